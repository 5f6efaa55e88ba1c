import { readdirSync, readFileSync } from 'node:fs'
import { ESLint, Linter } from 'eslint'
import { describe, expect, it } from 'vitest'
import { floors } from './floors.js'
import { importsRule } from './imports-rule.js'
import { packages as table } from './packages.js'

const root = new URL('../..', import.meta.url).pathname
const linter = new Linter({ cwd: root })

/** What lint says of one line in a file. */
const lint = (file: string, code: string): string | undefined =>
  linter.verify(
    code,
    [
      { files: ['**/*.ts'], plugins: { laws: { rules: { imports: importsRule } } }, rules: { 'laws/imports': 'error' } }
    ],
    { filename: `${root}${file}` }
  )[0]?.message

const packages: Readonly<Record<string, readonly string[]>> = table

describe('the law of imports', () => {
  it.each([
    ['another package, in core', 'packages/core/src/sam/config.ts', `import '@sam/onnx'`],
    ['another package, in an entry of core', 'packages/core/src/index.ts', `export * from '@sam/train'`],
    ['an upper floor', 'packages/core/src/ops/build.ts', `import { vitB } from '../sam/config.js'`],
    ['the same floor', 'packages/core/src/backend/host.ts', `import { vitB } from '../sam/config.js'`],
    [
      'an upper floor, from a sub-folder',
      'packages/core/src/ops/composites/linear.ts',
      `import '../../passes/stage.js'`
    ],
    ['files, in the model', 'packages/core/src/sam/config.ts', `import { openFile } from '#io'`],
    ['SAM, in a backend', 'packages/backend-webgpu/src/backend.ts', `import { vitB } from '@sam/core'`],
    ['the tests of core, in a package', 'packages/onnx/src/lower.ts', `import { runCase } from '@sam/core/testing'`],
    ['a dynamic import', 'packages/core/src/sam/config.ts', `await import('@sam/onnx')`],
    ['a re-export', 'packages/core/src/ir/graph.ts', `export { stage } from '../passes/stage.js'`],
    ['require', 'packages/core/src/ir/graph.ts', `require('@sam/onnx')`],
    ['a relative path into another package', 'packages/onnx/src/lower.ts', `import '../../core/src/sam/config.js'`],
    [
      'a relative path into another package, in an app',
      'apps/cli/src/main.ts',
      `import '../../../packages/core/src/index.js'`
    ]
  ])('refuses %s', (_, file, code) => expect(lint(file, code)).toMatch(/(may|must) .*, found '/))

  it.each([
    ['a lower floor', 'packages/core/src/sam/config.ts', `import { input } from '../ir/value.js'`],
    ['its own folder', 'packages/core/src/sam/config.ts', `import './graphs.js'`],
    ['files, where checkpoints are read', 'packages/core/src/weights/open.ts', `import { openFile } from '#io'`],
    ['graphs, in a backend', 'packages/backend-webgpu/src/backend.ts', `import '@sam/core/graph'`],
    ['a picture of another app', 'apps/playground/src/ui/welcome.ts', `import cat from '../../../cli/assets/cat.jpg'`],
    ['any package, in an app', 'apps/cli/src/main.ts', `import '@sam/train'`],
    ['a library', 'packages/onnx/src/lower.ts', `import '@bufbuild/protobuf'`]
  ])('allows %s', (_, file, code) => expect(lint(file, code)).toBeUndefined())

  it('is what eslint.config.js holds every source file to', async () => {
    const eslint = new ESLint({ cwd: root })
    for (const file of ['packages/core/src/sam/config.ts', 'packages/onnx/src/lower.ts', 'apps/cli/src/main.ts']) {
      const config = (await eslint.calculateConfigForFile(`${root}${file}`)) as { rules: Record<string, unknown[]> }
      expect(config.rules['laws/imports']?.[0], file).toBe(2)
    }
  })

  it('has every folder of core on one floor, and every package in its table', () => {
    const folders = readdirSync(`${root}packages/core/src`, { withFileTypes: true }).filter(e => e.isDirectory())
    expect(folders.map(e => e.name).sort()).toEqual(floors.flat().sort())
    expect(
      readdirSync(`${root}packages`)
        .map(name => `packages/${name}`)
        .sort()
    ).toEqual(Object.keys(packages).sort())
  })

  it('has in package.json what the table lets a package import', () => {
    for (const [folder, allowed] of Object.entries(packages)) {
      const { dependencies = {}, peerDependencies = {} } = JSON.parse(
        readFileSync(`${root}${folder}/package.json`, 'utf8')
      ) as {
        dependencies?: Record<string, string>
        peerDependencies?: Record<string, string>
      }
      const ours = Object.keys({ ...dependencies, ...peerDependencies }).filter(name => name.startsWith('@sam/'))
      const named = new Set(allowed.map(name => name.split('/').slice(0, 2).join('/')))
      expect(ours.sort(), folder).toEqual([...named].sort())
    }
  })
})
