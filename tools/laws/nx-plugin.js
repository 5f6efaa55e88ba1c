import { dirname } from 'node:path'
import { packages } from './packages.js'

const everySource = ['default', '^default', 'checks']

/** @type {import('nx/src/config/workspace-json-project-json').TargetConfiguration} */
const cached = { cache: true, executor: 'nx:run-commands' }

/** What every project can do besides `build`, which is a script of those that ship. */
const targets = root => ({
  typecheck: { ...cached, inputs: everySource, options: { command: `tsc -p ${root}/tsconfig.test.json` } },
  lint: {
    ...cached,
    inputs: everySource,
    options: { commands: [`prettier --check ${root}`, `eslint ${root}`], parallel: false }
  },
  test: { ...cached, inputs: everySource, options: { command: `vitest run --passWithNoTests ${root}/` } }
})

/** Tags are the table of packages: the kind of a project, and what a package may import of ours. */
const tags = root => [
  `kind:${root.startsWith('packages/') ? 'package' : root.startsWith('apps/') ? 'app' : 'private'}`,
  ...(packages[root] ?? []).map(name => `may-import:${name}`)
]

/** Gives each workspace project its targets and tags. */
export const createNodesV2 = [
  '{tools,{packages,apps,research}/*}/package.json',
  files =>
    files.map(file => {
      const root = dirname(file)
      return [file, { projects: { [root]: { root, targets: targets(root), tags: tags(root) } } }]
    })
]
