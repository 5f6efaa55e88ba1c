/**
 * A failure outside the images: it would recur with the next one, so the job stops and can be resumed.
 *
 * | code | thrown when |
 * | --- | --- |
 * | `E_STORAGE` | a folder or bucket cannot be read or written |
 * | `E_QUEUE` | Redis cannot be used, or a task of the queue failed |
 * | `E_OTHER_JOB` | a results folder holds the results of another job |
 */
export class JobError extends Error {
  override readonly name = 'JobError'

  constructor(
    readonly code: 'E_STORAGE' | 'E_QUEUE' | 'E_OTHER_JOB',
    message: string,
    options?: { cause?: unknown }
  ) {
    super(message, options)
  }
}

/** Throws `E_STORAGE`. */
export const storageFailed = (message: string, cause?: unknown): never => {
  throw new JobError('E_STORAGE', message, { cause })
}
