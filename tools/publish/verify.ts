/**
 * `npm run verify:publish [-- --keep]`: publishes every package to a registry on this machine, installs them from it
 * into empty folders as a new user does, and runs the samples of the README there. Prints the time and the size of
 * each: docs/sizes.md has them. `--keep` leaves the folders for inspection. Needs the registry that npm is configured
 * with, and a few minutes. Not part of `npm test`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { publishedPackages, root } from './packages.js'
import { browser } from './projects/browser.js'
import { commandLine } from './projects/command-line.js'
import { commonJs } from './projects/common-js.js'
import { node } from './projects/node.js'
import { types } from './projects/types.js'
import { Shell } from './shell.js'
import { startRegistry, type Registry } from './registry.js'

/** What is done in each folder. */
const steps: Readonly<Record<string, readonly ((shell: Shell) => void | Promise<void>)[]>> = {
  node: [node],
  browser: [browser],
  'common-js': [commonJs],
  'command-line': [commandLine, types]
}

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
const folder = mkdtempSync(join(tmpdir(), 'sam-publish-'))
const registry = await startRegistry(join(folder, 'registry'))
try {
  const began = performance.now()
  new Shell(root, registry.env).run('npx nx run-many -t publish --parallel=1 --output-style=static')
  await checkOrder(registry)
  console.log(`published ${publishedPackages().length} packages in ${seconds(began)}`)
  for (const [name, projects] of Object.entries(steps)) {
    const shell = new Shell(join(folder, name), registry.env)
    for (const project of projects) {
      const started = performance.now()
      await project(shell)
      console.log(`✓ ${name}, ${project.name}: ${seconds(started)}`)
    }
  }
} finally {
  await registry.stop()
  if (values.keep) console.log(folder)
  else rmSync(folder, { recursive: true, force: true })
}

/** Throws where a package was published before one that it needs: its install would have failed in between. */
async function checkOrder({ url }: Registry): Promise<void> {
  const packages = publishedPackages()
  const times = new Map<string, number>()
  for (const { manifest } of packages) {
    const { time } = (await (await fetch(`${url}${manifest.name}`)).json()) as { time: Record<string, string> }
    times.set(manifest.name, Date.parse(time[manifest.version]))
  }
  for (const { manifest } of packages) {
    for (const needed of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (times.has(needed) && times.get(needed)! > times.get(manifest.name)!)
        throw new Error(`${manifest.name} was published before ${needed}, which it needs`)
    }
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
