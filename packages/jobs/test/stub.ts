import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InputError } from '@sam/core'
import { afterAll } from 'vitest'
import {
  finishShard,
  identityOf,
  openStorage,
  parseJob,
  Results,
  type Annotate,
  type FailureRecord,
  type ImageRecord,
  type JobDescription,
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

/** A description of a job of which the stub computes the results. */
export const stubDescription = (settings = 'automatic: {}'): JobDescription => {
  const job = parseJob(settings, 'job.yaml')
  return { job, identity: identityOf(job, { version: '1', weights: ['stub'] }) }
}

/** Opens the results of the stub's job. */
export const stubResults = async (location: string, description = stubDescription()): Promise<Results> =>
  Results.open(await openStorage(location), description)

/** An annotator without a model; `computed` has the names of the images it was called for. */
export function stubAnnotator({ delay = 0 } = {}): { annotate: Annotate; computed: string[] } {
  const computed: string[] = []
  return {
    computed,
    annotate: async ({ key, image }, bytes, signal) => {
      await new Promise(resolve => setTimeout(resolve, delay))
      signal?.throwIfAborted()
      computed.push(image)
      if (Buffer.from(bytes).toString() === 'poison') throw new InputError('E_BAD_IMAGE', `${image}: poisoned`)
      return {
        key,
        image,
        sha256: '',
        width: 2,
        height: 1,
        objects: [
          {
            segmentation: { size: [1, 2], counts: '11' },
            area: 1,
            bbox: [1, 0, 1, 1],
            predicted_iou: bytes.length / 100
          }
        ]
      }
    }
  }
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
