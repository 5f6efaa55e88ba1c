/** What is published with each package: its package page, its licence, its files. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { intoRepository, publishedPackages, root, slug } from './packages.js'

const text = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')
describe.each(publishedPackages())('$manifest.name', ({ folder, manifest }) => {
  it('package.json: derives its addresses from the root, and has keywords', () => {
    expect(manifest).toMatchObject({
      homepage: `https://github.com/${slug}/tree/main/${folder}#readme`,
      bugs: `https://github.com/${slug}/issues`,
      repository: { type: 'git', url: `git+https://github.com/${slug}.git`, directory: folder }
    })
    expect(manifest.keywords!.length).toBeGreaterThan(2)
  })

  it('LICENSE and NOTICE: are those of the root; NOTICE may add to it', () => {
    expect(text(folder, 'LICENSE')).toBe(text('LICENSE'))
    expect(text(folder, 'NOTICE').startsWith(text('NOTICE'))).toBe(true)
  })

  it('README: has an install line for npm', () => {
    expect(text(folder, 'README.md')).toMatch(new RegExp(`^npm install .*${manifest.name}\\b`, 'm'))
  })

  it('README: says where checkpoints are, if it uses one', () => {
    const page = text(folder, 'README.md')
    if (page.includes('sam_vit_')) expect(page).toContain(`https://github.com/${slug}/blob/main/README.md#checkpoints`)
  })

  // npm resolves relative links only for some hosts, and other sites that show READMEs not at all.
  it('README: links are absolute', () => {
    const links = [...text(folder, 'README.md').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
    expect(links.filter(target => !/^(https:|#)/.test(target))).toEqual([])
    expect(links.filter(target => target.includes(slug) && !intoRepository.test(target))).toEqual([])
  })

  it('version: is that of all packages, and so are the ranges of those that it needs', () => {
    const { version, dependencies, peerDependencies } = manifest
    expect(version).toBe(publishedPackages()[0].manifest.version)
    for (const [name, range] of Object.entries({ ...dependencies, ...peerDependencies }))
      if (name.startsWith('@sam/')) expect(range, name).toBe(`^${version}`)
  })
})

it('npm pack: every tarball has its licence, notice, README and build, and no test or snapshot', () => {
  const workspaces = publishedPackages().map(({ folder }) => `--workspace=${folder}`)
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', ...workspaces], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26
    })
  ) as { name: string; files: { path: string }[] }[]
  expect(packed).toHaveLength(workspaces.length)
  for (const { name, files } of packed) {
    const paths = files.map(({ path }) => path)
    expect(paths, name).toEqual(expect.arrayContaining(['LICENSE', 'NOTICE', 'README.md', 'package.json']))
    expect(
      paths.filter(path => /\.snap$|\.test\.|(^|\/)test\/|tsbuildinfo/.test(path)),
      name
    ).toEqual([])
  }
}, 60_000)
