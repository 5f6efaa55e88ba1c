import tseslint from 'typescript-eslint'

/**
 * Floors of @sam/core: a file imports its own folder or a lower floor, never up, never sideways. The same table is drawn
 * in docs/architecture.md.
 */
const floors = [
  ['tensor'],
  ['ir', 'weights', 'image', 'io'],
  ['ops', 'masks'],
  ['reference', 'nn'],
  ['passes'],
  ['backend', 'sam'],
  ['prompts'],
  ['automatic', 'draw'],
  ['text-search'],
  ['sdk', 'testing']
]

/** Sideways on floor 1 there is one way: checkpoints and pictures are read from files. */
const alsoAllowed = { weights: ['io'], io: ['image'] }

/** The folders that may read and write files: they import `#io`, which is Node's or the browser's. */
const readFiles = ['weights', 'masks', 'sdk']

/** Package boundaries: what each may import of ours. Core imports none; a backend sees the graph and never SAM. */
const packages = {
  'packages/core': '(?!x)x',
  'packages/onnx': '@sam/core/graph',
  'packages/backend-cuda': '@sam/(core/graph|onnx)',
  'packages/backend-wasm': '@sam/(core/graph|onnx)',
  'packages/backend-webgpu': '@sam/core/graph',
  'packages/model-tiny': '@sam/core',
  'packages/train': '@sam/(core(/graph|/model)?|clip)',
  'packages/clip': '@sam/core(/graph|/model)?'
}

const packagePattern = path => ({
  regex: `^@sam/(?!(${packages[path].replaceAll('@sam/', '')})$)`,
  message: `${path} may import ${path === 'packages/core' ? 'nothing' : packages[path]} of ours.`
})

/** ESLint keeps one list of restricted imports per file, so a floor's rule holds the package's too. */
const restricted = (files, ignores, patterns) => ({
  files,
  ignores: ['**/*.test.ts', ...ignores],
  rules: { 'no-restricted-imports': ['error', { patterns }] }
})

const floorRules = floors.flatMap((folders, floor) =>
  folders.map(folder => {
    const reachable = [...floors.slice(0, floor).flat(), folder, ...(alsoAllowed[folder] ?? [])]
    const forbidden = floors.flat().filter(other => !reachable.includes(other))
    return restricted(
      [`packages/core/src/${folder}/**/*.ts`],
      [],
      [
        packagePattern('packages/core'),
        {
          regex: `^\\.\\./(\\.\\./)*(${forbidden.join('|')})(/|\\.js$)`,
          message: `'${folder}' is on floor ${floor}: import from ${reachable.join(', ')} only.`
        },
        {
          regex: '^\\.\\./(\\.\\./)*(index|graph|model|testing)\\.js$',
          message: 'The entry files are for users of the package: import the file itself.'
        },
        ...(readFiles.includes(folder)
          ? []
          : [{ regex: '^#io$', message: `'${folder}' reads no files: only ${readFiles.join(', ')} import '#io'.` }])
      ]
    )
  })
)

const packageRules = Object.keys(packages).map(path =>
  restricted(
    [`${path}/src/**/*.ts`],
    path === 'packages/core' ? floors.flat().map(folder => `packages/core/src/${folder}/**`) : [],
    [packagePattern(path)]
  )
)

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
