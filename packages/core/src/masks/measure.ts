import type { Frame } from '../image/frame.js'
import { upscaleRows } from './upscale.js'
import type { Box } from './box.js'

export interface Measures {
  /** Pixels inside. */
  readonly area: number
  /** See `bitmapBox`. */
  readonly box: Box
  /**
   * Stability score: IoU of the masks at threshold + offset and threshold − offset. 0 if both are empty, where Meta's
   * utils/amg.py#calculate_stability_score gives NaN.
   */
  readonly stability: number
}

/** Measures of a mask at the photo's size, without allocating an array of that size. */
export function measureMask(
  lowRes: Float32Array,
  frame: Frame,
  { threshold, offset }: { threshold: number; offset: number }
): Measures {
  let [area, intersection, union] = [0, 0, 0]
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0]
  upscaleRows(lowRes, { frame, above: threshold - Math.max(0, offset) }, (row, y, [start, end]) => {
    for (let x = start; x < end; x++) {
      const logit = row[x]
      if (logit > threshold - offset) union++
      if (logit > threshold + offset) intersection++
      if (logit <= threshold) continue
      area++
      if (x < left) left = x
      if (x >= right) right = x + 1
      if (y < top) top = y
      bottom = y + 1
    }
  })
  return { area, box: area ? [left, top, right, bottom] : [0, 0, 0, 0], stability: union ? intersection / union : 0 }
}
