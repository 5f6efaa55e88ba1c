import tseslint from 'typescript-eslint'
import { importsRule } from './tools/laws/imports-rule.js'

const tests = ['**/*.test.ts', '**/test/**/*.ts']

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/*.{js,cjs,mjs}',
      '**/*.config.ts',
      'coverage/**',
      'out/**',
      '.cache/**',
      '.nx/**',
      '**/generated/**',
      'docs/api/**',
      'docs/.vitepress/cache/**'
    ]
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    plugins: { laws: { rules: { imports: importsRule } } },
    languageOptions: {
      parserOptions: {
        project: 'tsconfig.test.json',
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      'laws/imports': 'error',
      'max-len': [
        'error',
        {
          code: 120,
          ignoreStrings: true,
          ignoreTemplateLiterals: true,
          ignoreRegExpLiterals: true,
          ignoreTrailingComments: true,
          ignoreUrls: true
        }
      ],
      'max-params': ['error', 3],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' }],
      // A shape such as [64,64] in a message is what numbers and arrays print.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowArray: true, allowNullish: true }
      ],
      // An async function without await keeps an interface that promises.
      '@typescript-eslint/require-await': 'off'
    }
  },
  {
    // Event listeners of short examples may be async.
    files: ['apps/examples/**'],
    rules: { '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }] }
  },
  {
    files: tests,
    rules: {
      'laws/imports': 'off',
      'max-params': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off'
    }
  }
)
