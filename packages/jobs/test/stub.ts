import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import {
  finishShard,
  type FailureRecord,
  type ImageRecord,
  type Results,
  type Shard,
  type Source
} from '../src/index.js'

/** A temporary folder, removed after the test file. */
export async function workFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sam jobs ü '))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A folder of files that the stub annotates; those whose numbers are `poisoned` cannot be read as images. */
export async function stubImages(folder: string, count: number, poisoned: readonly number[] = []): Promise<string> {
  const images = join(folder, 'images')
  await mkdir(images, { recursive: true })
  for (let i = 0; i < count; i++)
    await writeFile(join(images, `${i}.jpg`), poisoned.includes(i) ? 'poison' : `image ${i}`)
  return images
}

/** The lines of a finished shard. Throws where it is not complete. */
export async function finished(
  source: Source,
  results: Results,
  shard?: Shard
): Promise<(ImageRecord | FailureRecord)[]> {
  const { file, missing } = await finishShard(source, results, { shard })
  if (missing) throw new Error(`${missing} images are missing`)
  return linesOf(join(results.storage.location, file))
}

export const linesOf = async (path: string): Promise<(ImageRecord | FailureRecord)[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as ImageRecord | FailureRecord)

/** The names of images, as `stubImages` makes them. */
export const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}.jpg`).sort()
