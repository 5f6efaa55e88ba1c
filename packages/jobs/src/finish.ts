import { writeAnnotations, type AnnotatedImage, type AnnotationFormat } from '@sam/annotations'
import type { Job } from './job.js'
import { recordBytes, toAnnotatedImage } from './record.js'
import { isFailure, type Results } from './results.js'
import type { Source } from './source.js'
import { isInShard, wholeJob, type Shard } from './task.js'

export interface FinishOptions {
  readonly shard?: Shard | undefined
  /** Also writes this format. */
  readonly output?: Job['output'] | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a shard holds. */
export interface FinishedShard {
  /** The name of its file in the results. */
  readonly file: string
  readonly done: number
  readonly failed: number
  /** Images without record or failure: the shard is not complete, and no file was written. */
  readonly missing: number
}

/**
 * Puts the records of a shard together in `annotations-00000-of-00008.jsonl`: one line for each image, in order of
 * their names; failed ones have an `error`. The same records give the same bytes. The shards of a job together hold
 * each image once.
 */
export async function finishShard(
  { tasks }: Pick<Source, 'tasks'>,
  results: Results,
  { shard = wholeJob, output, signal }: FinishOptions = {}
): Promise<FinishedShard> {
  const own = tasks.filter(task => isInShard(task, shard))
  const stem = `annotations-${digits(shard.index)}-of-${digits(shard.count)}`
  const [recorded, failures] = [await results.recorded(signal), await results.failed(signal)]
  const done = own.filter(({ key }) => recorded.has(key)).length
  const failed = own.filter(({ key }) => !recorded.has(key) && failures.has(key)).length
  const finished = { file: `${stem}.jsonl`, done, failed, missing: own.length - done - failed }
  if (finished.missing) return finished
  const annotated: AnnotatedImage[] = []
  await results.storage.replace(finished.file, lines(), signal)
  if (output) await writeFormat(annotated, output)
  return finished

  async function* lines(): AsyncGenerator<Uint8Array> {
    for (const task of own) {
      const record = (await results.read(task, signal))!
      if (output && !isFailure(record)) annotated.push(toAnnotatedImage(record))
      yield recordBytes(record)
    }
  }

  async function writeFormat(images: readonly AnnotatedImage[], { format, ...options }: NonNullable<Job['output']>) {
    const files = writeAnnotations(images, { ...options, format: format as AnnotationFormat })
    for (const [name, bytes] of files) await results.storage.replace(`${stem}/${name}`, [bytes], signal)
  }
}

const digits = (n: number): string => String(n).padStart(5, '0')
