/**
 * Runs the samples that are marked with ```ts run, each in a folder of its own with a photo, photo.jpg. What a sample
 * says that it prints, from a comment `// prints: …` on, is what it must print.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'node:util'
import { expect, it, vi } from 'vitest'
import { pages, root, samplesOf } from './pages.js'

const marked = pages.flatMap(samplesOf).filter(({ run }) => run)

it.each(marked)('$name runs', async ({ name, code }) => {
  // In the repository, so that imports of packages resolve.
  const folder = join(root, 'out/samples', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(root, 'apps/cli/assets/coffee.jpg'), join(folder, 'photo.jpg'))
  writeFileSync(join(folder, 'sample.ts'), code)
  process.chdir(folder)
  const printed: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...values) => {
    printed.push(format(...values))
  })
  await import(join(folder, 'sample.ts'))
  const announced = [...code.matchAll(/^\/\/ (?:prints:| {7}) (.*)$/gm)].map(([, line]) => line)
  if (announced.length > 0) expect(printed.filter(line => announced.includes(line))).toEqual(announced)
})
