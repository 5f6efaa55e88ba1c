import { InputError, SamError } from '@sam/core/graph'
import type { Sample } from './dataset.js'

/**
 * Checks what a `Dataset` promises: an image of three bytes per pixel (so that no value is NaN) and masks of its size.
 * Throws `InputError` `E_BAD_IMAGE` with the sample's name; the trainer skips and counts such a sample.
 */
export function checkSample({ name, image: { width, height, data }, truths }: Sample): void {
  const unfit = (why: string): InputError => new InputError('E_BAD_IMAGE', `${name}: ${why}`)
  const isSide = (side: number): boolean => Number.isInteger(side) && side >= 1
  if (!isSide(width) || !isSide(height))
    throw unfit(`an image must have integer sides from 1, found ${width} × ${height}`)
  // By tag, which also accepts a Uint8Array of another realm.
  const kind = Object.prototype.toString.call(data)
  if (kind !== '[object Uint8Array]' || data.length !== 3 * width * height) {
    const found = kind === '[object Uint8Array]' ? data.length : kind
    throw unfit(`an image of ${width} × ${height} must have ${3 * width * height} bytes, RGB, found ${found}`)
  }
  const other = truths.findIndex(({ mask }) => mask.length !== width * height)
  if (other < 0) return
  throw unfit(
    `a mask must have one value per pixel of its ${width} × ${height} image, found ` +
      `${truths[other].mask.length} in mask ${other}`
  )
}

/** Whether an error is about the sample, which is then skipped, and not about the model, the device or an option. */
export const isUnfit = (error: unknown): error is SamError =>
  SamError.is(error) && ['E_BAD_IMAGE', 'E_IMAGE_TOO_LARGE', 'E_BAD_PROMPT'].includes(error.code)
