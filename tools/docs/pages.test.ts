/**
 * The Markdown pages: every TypeScript sample type-checks on its own, every link leads to a file, and every path in
 * code style exists.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { intoRepository } from '../publish/packages.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

const folders = ['packages', 'apps', 'research'].flatMap(parent =>
  readdirSync(join(root, parent)).map(name => join(parent, name))
)
const pages = ['', 'docs', 'fixtures', '.changeset', 'apps/cli/assets', ...folders].flatMap(folder =>
  readdirSync(join(root, folder))
    .filter(name => name.endsWith('.md') && name !== 'CHANGELOG.md')
    .map(name => join(folder, name))
)
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** The page without its code blocks. */
const proseOf = (page: string): string => textOf(page).replace(/^```.*?^```$/gms, '')

describe('samples', () => {
  /** Each sample as a file beside its page, so that its imports resolve from there. */
  const samples = new Map(
    pages.flatMap(page =>
      [...textOf(page).matchAll(/^```ts\n(.*?)^```$/gms)].map(
        ([, code], i) => [join(root, `${page}.${i + 1}.ts`), `${code}\nexport {}\n`] as const
      )
    )
  )
  const { config } = ts.readConfigFile(join(root, 'tsconfig.test.json'), path => ts.sys.readFile(path)) as {
    config: { compilerOptions: object }
  }
  const { options } = ts.parseJsonConfigFileContent(
    {
      ...config,
      files: [],
      include: [],
      compilerOptions: { ...config.compilerOptions, noUnusedLocals: false, types: ['node', 'vite/client'] }
    },
    ts.sys,
    root
  )
  const host = ts.createCompilerHost(options)
  const program = ts.createProgram([...samples.keys()], options, {
    ...host,
    fileExists: path => samples.has(path) || host.fileExists(path),
    readFile: path => samples.get(path) ?? host.readFile(path),
    getSourceFile: (path, version) =>
      samples.has(path)
        ? ts.createSourceFile(path, samples.get(path)!, version, true)
        : host.getSourceFile(path, version)
  })

  it.each([...samples.keys()].map(path => path.slice(root.length)))('%s type-checks', path => {
    const found = ts
      .getPreEmitDiagnostics(program, program.getSourceFile(join(root, path)))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    expect(found).toEqual([])
  })
})

it.each(pages)('%s: links lead to files and headings', page => {
  const missing = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target.replace(intoRepository, `${relative(dirname(page), '')}/`))
    .filter(target => !/^[a-z]+:/.test(target))
    .filter(target => {
      const [path, anchor] = target.split('#')
      const file = path ? join(dirname(page), path) : page
      return !existsSync(join(root, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor))
    })
  expect(missing).toEqual([])
})

/** Anchors of a page's headings, as GitHub makes them. */
const anchorsOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
  )

it.each(pages)('%s: paths in code style exist', page => {
  const missing = [...proseOf(page).matchAll(/`([\w./-]+\/[\w.-]+\.(?:ts|js|py|md))`/g)]
    .map(([, path]) => path)
    .filter(path => !bases(page).some(base => existsSync(join(root, base, path))))
  expect(missing).toEqual([])
})

/** Folders from which a page may name files: its own, its sources, the repository, `packages`, the sources of core. */
const bases = (page: string): string[] => [
  dirname(page),
  join(dirname(page), 'src'),
  '',
  'packages',
  'packages/core',
  'packages/core/src',
  'packages/backend-webgpu/src'
]
