import { SamError, type EncodedImage, type RgbImage, type Sam, type SampleOptions } from '@sam/core'
import type { CommonOptions, Context } from './context.js'
import { readPhoto } from './photo.js'

/** Why one photo of several has no result. */
export interface Unreadable {
  readonly image: string
  readonly error: { readonly code: string; readonly message: string }
}

/** A photo and its embedding, which is disposed of after the work on it. */
export interface EncodedPhoto {
  readonly photo: RgbImage
  readonly encoded: EncodedImage
}

interface PhotoOptions {
  readonly sam: Sam
  readonly context: Context
  readonly options: CommonOptions & SampleOptions
}

/**
 * Works on photos one by one; while one is encoded and worked on, the next is decoded. A photo that cannot be read is
 * skipped, and the exit code is then 1; any other failure (device, disk) would recur for the next photos, and is
 * thrown.
 */
export async function eachPhoto<Job extends { readonly image: string }, Result>(
  jobs: readonly Job[],
  { sam, context, options }: PhotoOptions,
  work: (job: Job, photo: EncodedPhoto) => Promise<Result>
): Promise<(Result | Unreadable)[]> {
  const { signal } = context
  const photos = new Map<Job, RgbImage>()
  const read = async (job: Job): Promise<RgbImage> => {
    const photo = await readPhoto(job.image, context, options)
    photos.set(job, photo)
    return photo
  }
  const all = sam.encodeAll(jobs, { read, signal })
  const results: (Result | Unreadable)[] = []
  try {
    for (const job of jobs) {
      const { value } = await context.progress(options).step(`encoding ${job.image}`, async () => {
        const next = await all.next()
        if (next.value?.error && !isOfPhoto(next.value.error)) throw next.value.error
        return next
      })
      if (!value) break
      if (value.error) {
        results.push(unreadable(job.image, value.error, context))
        continue
      }
      using encoded = value.image
      results.push(await work(job, { encoded, photo: photos.get(job)! }))
      photos.delete(job)
    }
  } finally {
    await all.return()
  }
  return results
}

/** The result of a photo that cannot be read. Throws any other error. */
export function unreadable(image: string, error: unknown, context: Context): Unreadable {
  if (!isOfPhoto(error)) throw error
  context.partlyFailed()
  const { code, message } = error
  return { image, error: { code, message } }
}

const isOfPhoto = (error: unknown): error is SamError =>
  SamError.is(error) && (error.code === 'E_BAD_IMAGE' || error.code === 'E_IMAGE_TOO_LARGE')

export const isUnreadable = (result: object): result is Unreadable => 'error' in result
