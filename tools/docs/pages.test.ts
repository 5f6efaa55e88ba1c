/**
 * The Markdown pages: every TypeScript sample type-checks on its own, every link and included file leads to a file, and
 * every path in code style exists.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { intoRepository } from '../publish/packages.js'
import { pages, proseOf, root, samplesOf, textOf } from './pages.js'

describe('samples', () => {
  /** Each sample as a file beside its page, so that its imports resolve from there. */
  const samples = new Map(
    pages.flatMap(page =>
      samplesOf(page).map(({ name, code }) => [join(root, dirname(page), name), `${code}\nexport {}\n`] as const)
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
      compilerOptions: {
        ...config.compilerOptions,
        noUnusedLocals: false,
        jsx: 'react-jsx',
        types: ['node', 'vite/client']
      }
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
  const missing = [
    ...proseOf(page)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g)
  ]
    .map(([, target]) => target.replace(intoRepository, `${relative(dirname(page), '')}/`))
    // VitePress checks links into the generated API reference.
    .filter(target => !/^[a-z]+:|^api\//.test(target))
    .filter(target => {
      const [path, anchor] = target.split('#')
      const file = path ? join(dirname(page), path) : page
      return !existsSync(join(root, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor))
    })
  expect(missing).toEqual([])
})

it.each(pages)('%s: included files exist', page => {
  const missing = [...textOf(page).matchAll(/^<<< (\S+)/gm)]
    .map(([, path]) => path)
    .filter(path => !existsSync(join(root, dirname(page), path)))
  expect(missing).toEqual([])
})

it('the sidebar of the site: has exactly the pages of docs', () => {
  const links = [...readFileSync(join(root, 'docs/.vitepress/config.ts'), 'utf8').matchAll(/link: '\/([\w-]+)'/g)]
  const names = pages.filter(page => dirname(page) === 'docs').map(page => basename(page, '.md'))
  expect([...new Set(links.map(([, name]) => name))].sort()).toEqual(names.filter(name => name !== 'index').sort())
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
