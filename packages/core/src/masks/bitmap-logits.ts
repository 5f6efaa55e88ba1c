import type { Frame } from '../image/frame.js'
import { applyTaps, bilinearTaps, composeTaps } from '../tensor/interpolate.js'
import type { Bitmap } from './bitmap.js'

/** The logit of probability 0.999, used for pixels that are inside. */
export const handMadeLogit = Math.log(999)

/**
 * A bitmap as logits [side, side]: each low-resolution pixel gets the logit of the fraction that the mask covers,
 * clamped to ±6.9. The fraction comes from the same antialiased resizes as the photo; the padding is outside.
 */
export function bitmapLogits(
  { width, height, data }: Bitmap,
  { imageSize, inputSize }: Frame,
  side: number
): Float32Array {
  const shrink = (from: number, to: number) => bilinearTaps(from, to, { antialias: true })
  const across = composeTaps(shrink(width, inputSize[1]), shrink(imageSize, side))
  const down = composeTaps(shrink(height, inputSize[0]), shrink(imageSize, side))
  const covered = applyTaps(down, applyTaps(across, data, { outer: height }), { inner: side })
  const edge = 1 / (1 + Math.exp(handMadeLogit))
  return covered.map(part => {
    const p = Math.min(1 - edge, Math.max(edge, part))
    return Math.log(p / (1 - p))
  })
}
