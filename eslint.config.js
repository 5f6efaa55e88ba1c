import tseslint from 'typescript-eslint'

/**
 * Floors of @sam/core: a file imports its own folder or a lower floor, never up, never sideways.
 * The same table is drawn in docs/architecture.md.
 */
const floors = [
  ['tensor'],
  ['ir', 'weights', 'image', 'io'],
  ['ops'],
  ['reference', 'nn'],
  ['passes'],
  ['backend', 'sam'],
  ['predictor', 'testing']
]

/** Sideways on floor 1 there is one way: checkpoints and pictures are read from files. */
const alsoAllowed = { weights: ['io'], io: ['image'] }

const floorRules = floors.flatMap((folders, floor) =>
  folders.map(folder => {
    const reachable = [...floors.slice(0, floor).flat(), folder, ...(alsoAllowed[folder] ?? [])]
    const forbidden = floors.flat().filter(other => !reachable.includes(other))
    return {
      files: [`packages/core/src/${folder}/**/*.ts`],
      ignores: ['**/*.test.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                regex: `^\\.\\./(\\.\\./)*(${forbidden.join('|')})/`,
                message: `'${folder}' is on floor ${floor}: import from ${reachable.join(', ')} only.`
              }
            ]
          }
        ]
      }
    }
  })
)

/** Package boundaries: what each may import of ours. Core imports none; a backend sees the graph and never SAM. */
const packages = {
  'packages/core': '(?!x)x',
  'packages/onnx': '@sam/core/graph',
  'packages/backend-cuda': '@sam/(core/graph|onnx)',
  'packages/backend-wasm': '@sam/(core/graph|onnx)',
  'packages/backend-webgpu': '@sam/core/graph',
  'packages/model-tiny': '@sam/core',
  'packages/model-mobile': '@sam/core(/graph)?',
  'packages/train': '@sam/(core(/graph)?|clip)',
  'packages/clip': '@sam/core(/graph)?'
}
const packageRules = Object.entries(packages).map(([path, allowed]) => ({
  files: [`${path}/src/**/*.ts`],
  ignores: [
    '**/*.test.ts',
    ...(path === 'packages/core' ? floors.flat().map(folder => `packages/core/src/${folder}/**`) : [])
  ],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^@sam/(?!(${allowed.replaceAll('@sam/', '')})$)`,
            message: `${path} may import ${allowed} of ours.`
          }
        ]
      }
    ]
  }
}))

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/*.js',
      '**/*.mjs',
      '**/*.config.ts',
      'coverage/**',
      '.cache/**',
      '.nx/**',
      '**/generated/**'
    ]
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
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
    files: ['**/*.test.ts', '**/test/**/*.ts'],
    rules: {
      'max-params': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off'
    }
  },
  ...floorRules,
  ...packageRules
)
