import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { packages } from './packages.js'

const everySource = ['default', '^default', 'checks']

/** @type {import('nx/src/config/workspace-json-project-json').TargetConfiguration} */
const cached = { cache: true, executor: 'nx:run-commands' }

/** What every project can do besides `build`, which is a script of those that ship. */
const targets = root => ({
  typecheck: { ...cached, inputs: everySource, options: { command: `tsc -p ${root}/tsconfig.test.json` } },
  lint: { ...cached, inputs: everySource, options: { command: `eslint ${root}` } },
  // The tests of the docs are in tools/docs.
  ...(root !== 'docs' && {
    test: {
      ...cached,
      // The tests of an app start its build.
      ...(root.startsWith('apps/') && { dependsOn: ['build'] }),
      inputs: everySource,
      options: { command: `vitest run --passWithNoTests ${root}/` }
    }
  })
})

/** Published after the packages that it needs. */
const publish = root => ({
  executor: 'nx:run-commands',
  dependsOn: ['build', '^publish'],
  options: { command: `node tools/publish/publish.js ${root}` }
})

/**
 * The documentation site. Its API reference is of the sources of all packages, and its pages include files of the
 * examples. Not part of `build`: an installation needs no site.
 */
const site = {
  ...cached,
  inputs: [
    ...everySource,
    ...['packages/*/src/**/*.ts', 'packages/*/CHANGELOG.md', 'apps/examples/*/*.*', '.changeset/*.md'].map(
      path => `{workspaceRoot}/${path}`
    )
  ],
  outputs: ['{projectRoot}/api', '{projectRoot}/.vitepress/dist'],
  options: { cwd: 'docs', commands: ['typedoc', 'vitepress build'], parallel: false }
}

/**
 * What a project uses that nx does not see: `sam train` finds the research workspace where it is there, and a test of
 * the tools reads all READMEs and type-checks their samples.
 */
const implicitDependencies = {
  'apps/cli': ['@sam/research-tiny'],
  tools: ['@sam/backend-wasm', '@sam/cli', '@sam/playground', '@sam/docs', '@sam/example-react']
}

const isPrivate = file => JSON.parse(readFileSync(file, 'utf8')).private === true

/** Tags are the table of packages: the kind of a project, and what a package may import of ours. */
const tags = root => [
  `kind:${root.startsWith('packages/') ? 'package' : root.startsWith('apps/') ? 'app' : 'private'}`,
  ...(packages[root] ?? []).map(name => `may-import:${name}`)
]

/** Gives each workspace project its targets and tags. */
export const createNodesV2 = [
  '{tools,docs,{packages,apps,research}/*,apps/examples/*}/package.json',
  files =>
    files.map(file => {
      const root = dirname(file)
      return [
        file,
        {
          projects: {
            [root]: {
              root,
              targets: {
                ...targets(root),
                ...(root === 'docs' && { site }),
                ...(!isPrivate(file) && { publish: publish(root) })
              },
              tags: tags(root),
              implicitDependencies: implicitDependencies[root] ?? []
            }
          }
        }
      ]
    })
]
