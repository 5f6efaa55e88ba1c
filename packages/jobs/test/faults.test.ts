/** Faults of a run without a queue, each in a process of its own. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodePng } from '@sam/core'
import { expect, it } from 'vitest'
import { mountSmallDisk } from '../../../tools/small-disk.js'
import { openSource, runJob } from '../src/index.js'
import { startChild } from './child.js'
import { finished, names, stubImages, workFolder } from './stub.js'
import { stubAnnotator, stubResults } from './stub-job.js'

const folder = await workFolder()

it('kill -9 in the middle of 200 images: the next run computes what is missing, and nothing is lost or twice', async () => {
  const images = await stubImages(join(folder, 'killed'), 200, [11])
  const out = join(folder, 'killed', 'out')
  const killed = startChild(['run', images, out])
  await killed.wrote(80)
  await killed.kill('SIGKILL')
  const before = await (await stubResults(out)).recorded()
  expect(before.size).toBeGreaterThan(50)
  expect(before.size).toBeLessThan(200)

  const source = await openSource(images)
  const results = await stubResults(out)
  const { annotate, computed } = stubAnnotator()
  await runJob(source, { images: source.images, results, annotate })
  // Those in work when it was killed are computed again, and so is the failed one, if it was one of them.
  expect(computed.filter(image => image !== '11.jpg')).toHaveLength(200 - 1 - before.size)
  const lines = await finished(source, results)
  expect(lines.map(({ image }) => image)).toEqual(names(200))
  expect(lines.filter(line => 'error' in line).map(({ image }) => image)).toEqual(['11.jpg'])
})

it('two processes on one folder, one of them killed: every image is recorded once', async () => {
  const images = await stubImages(join(folder, 'two'), 200)
  const out = join(folder, 'two', 'out')
  const [one, other] = [startChild(['run', images, out]), startChild(['run', images, out])]
  await one.wrote(40)
  await one.kill('SIGKILL')
  expect(await other.ended()).toBe(0)
  const lines = await finished(await openSource(images), await stubResults(out))
  expect(lines.map(({ image }) => image)).toEqual(names(200))
  expect(other.lines.length).toBeLessThan(200)
})

it('an image that ends the process: all others are done, and it is given up after three runs', async () => {
  const images = await stubImages(join(folder, 'deadly'), 20)
  await writeFile(join(images, '7.jpg'), 'deadly')
  const out = join(folder, 'deadly', 'out')
  for (let i = 0; i < 3; i++) expect(await startChild(['run', images, out]).ended(), 'killed').toBe(null)
  const last = startChild(['run', images, out])
  expect(await last.ended()).toBe(0)
  expect(last.lines).toEqual([])
  const lines = await finished(await openSource(images), await stubResults(out))
  expect(lines.map(({ image }) => image)).toEqual(names(20))
  expect(lines.filter(line => 'error' in line)).toEqual([
    expect.objectContaining({
      image: '7.jpg',
      error: { code: 'E_INTERNAL', message: '3 processes ended while they worked on this image' }
    })
  ])
})

it('kill -9 of a run with a model: the records are those of a run that was not killed', async () => {
  const images = join(folder, 'tiny', 'images')
  await mkdir(images, { recursive: true })
  for (let i = 0; i < 12; i++) {
    const data = Uint8Array.from({ length: 64 * 48 * 3 }, (_, k) => {
      const [x, y] = [Math.floor(k / 3) % 64, Math.floor(k / 192)]
      return (x - 20 - i) ** 2 + (y - 24) ** 2 < 150 ? 220 : 40 + (k % 3)
    })
    await writeFile(join(images, `${i}.jpg`), await encodePng({ width: 64, height: 48, channels: 3, data }))
  }
  const [out, whole] = [join(folder, 'tiny', 'out'), join(folder, 'tiny', 'whole')]
  const killed = startChild(['tiny', images, out])
  await killed.wrote(4)
  await killed.kill('SIGKILL')
  const before = await (await stubResults(out)).recorded()
  expect(before.size).toBeGreaterThanOrEqual(2)
  expect(before.size).toBeLessThan(12)
  for (const folder of [out, whole]) expect(await startChild(['tiny', images, folder]).ended()).toBe(0)
  const source = await openSource(images)
  const lines = await finished(source, await stubResults(out))
  expect(lines.map(({ image }) => image)).toEqual(names(12))
  expect(lines.every(line => 'objects' in line && line.objects.length > 0)).toBe(true)
  expect(lines).toEqual(await finished(source, await stubResults(whole)))
})

it('a full disk: the run stops and says so, and the next one continues', async ({ skip }) => {
  const images = await stubImages(join(folder, 'full'), 200)
  const disk = (await mountSmallDisk(join(folder, 'full', 'disk'), 256)) ?? skip('mounts are not permitted here')
  const child = startChild(['run', images, disk.folder])
  expect(await child.ended()).toBe(1)
  expect(child.lines.at(-1)).toMatch(/^E_STORAGE: cannot write .*: the disk is full$/)

  const copy = join(folder, 'full', 'copy')
  await cp(disk.folder, copy, { recursive: true })
  disk.remove()
  const before = await (await stubResults(copy)).recorded()
  expect(before.size).toBeGreaterThan(5)
  expect(before.size).toBeLessThan(200)
  const source = await openSource(images)
  const results = await stubResults(copy)
  const { annotate } = stubAnnotator()
  const end = await runJob(source, { images: source.images, results, annotate })
  expect(end).toEqual({ total: 200, done: 200, failed: 0, computed: 200 - before.size })
  expect((await finished(source, results)).map(({ image }) => image)).toEqual(names(200))
})
