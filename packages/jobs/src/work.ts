import { isOfImage, SamError } from '@sam/core/graph'
import type { Annotate } from './annotator.js'
import { JobError } from './errors.js'
import type { FailureRecord, ImageRecord } from './record.js'
import type { Results } from './results.js'
import type { Storage } from './storage/storage.js'
import type { Task } from './task.js'

/** What work on a task needs. */
export interface Workplace {
  readonly images: Storage
  readonly results: Results
  readonly annotate: Annotate
}

/**
 * - `done`: its record was written.
 * - `present`: its record was there already; another process may have written it in the meantime.
 * - `failed`: the image has no result, for the reason that was recorded.
 */
export type Outcome = 'done' | 'present' | 'failed'

/**
 * Computes and records one task, unless it has a record. Errors of the image are recorded as its failure. Throws what
 * would recur with the next image: storage, device, wrong options, an abort.
 */
export async function workOn(
  task: Task,
  { images, results, annotate }: Workplace,
  signal?: AbortSignal
): Promise<Outcome> {
  signal?.throwIfAborted()
  if (await results.has(task, signal)) return 'present'
  let record: ImageRecord
  try {
    const bytes = await images.read(task.image, signal)
    if (!bytes) return await fail({ code: 'E_BAD_IMAGE', message: `${task.image}: no such file` })
    record = await annotate(task, bytes, signal)
  } catch (error) {
    if (signal?.aborted || !isRecorded(error)) throw error
    const { code, message } = error as Error & { code?: string }
    return fail({ code: SamError.is(error) ? code! : 'E_INTERNAL', message })
  }
  return (await results.add(record, signal)) ? 'done' : 'present'

  async function fail(error: FailureRecord['error']): Promise<Outcome> {
    await results.fail({ key: task.key, image: task.image, error }, signal)
    return 'failed'
  }
}

/** Whether an error is of the image. A wrong option of the job would fail all of them. */
const isRecorded = (error: unknown): boolean =>
  isOfImage(error) && !(error instanceof JobError) && !(SamError.is(error) && error.code === 'E_BAD_OPTION')
