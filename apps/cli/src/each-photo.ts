import { SamError } from '@sam/core'
import type { Context } from './context.js'

/** Why one photo of several has no result. */
export interface Unreadable {
  readonly image: string
  readonly error: { readonly code: string; readonly message: string }
}

/**
 * Works on photos one by one. A photo that cannot be read is skipped, and the exit code is then 1; any other failure
 * (device, disk) would recur for the next photos, and is thrown.
 */
export async function eachPhoto<Job extends { readonly image: string }, Result>(
  jobs: readonly Job[],
  context: Context,
  work: (job: Job) => Promise<Result>
): Promise<(Result | Unreadable)[]> {
  const results: (Result | Unreadable)[] = []
  for (const job of jobs) {
    try {
      results.push(await work(job))
    } catch (error) {
      const isOfPhoto = SamError.is(error) && (error.code === 'E_BAD_IMAGE' || error.code === 'E_IMAGE_TOO_LARGE')
      if (context.signal.aborted || !isOfPhoto) throw error
      results.push({ image: job.image, error: { code: error.code, message: error.message } })
      context.partlyFailed()
    }
  }
  return results
}

export const isUnreadable = (result: object): result is Unreadable => 'error' in result
