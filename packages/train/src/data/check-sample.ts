import { InputError } from '@sam/core/graph'
import type { Sample } from './dataset.js'

/**
 * Holds a sample of any source to what a `Dataset` promises: an image of three bytes a pixel (so that none is NaN) and masks of its size.
 * Throws `InputError` `E_BAD_IMAGE` with the sample's name; the trainer passes such a sample over and counts it.
 */
export function checkSample({ name, image: { width, height, data }, truths }: Sample): void {
  const unfit = (why: string): InputError => new InputError('E_BAD_IMAGE', `${name}: ${why}`)
  if (!(width >= 1 && height >= 1 && Number.isInteger(width) && Number.isInteger(height))) throw unfit(`an image must have whole sides from 1, found ${width} × ${height}`)
  const bytes = Object.prototype.toString.call(data) === '[object Uint8Array]'
  if (!bytes || data.length !== 3 * width * height) {
    throw unfit(`an image of ${width} × ${height} must have ${3 * width * height} bytes, RGB, found ${bytes ? data.length : Object.prototype.toString.call(data)}`)
  }
  for (const [i, { mask }] of truths.entries()) {
    if (mask.length !== width * height) throw unfit(`a mask must have one value a pixel of its ${width} × ${height} image, found ${mask.length} in mask ${i}`)
  }
}
