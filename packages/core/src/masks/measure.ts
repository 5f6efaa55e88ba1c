import type { Frame } from '../image/frame.js'
import { bitmapBox, type Box } from './box.js'
import type { Bitmap } from './bitmap.js'
import { thresholdRuns, type VisitRun } from './threshold-runs.js'

/** The size and place of a mask. */
export interface Extent {
  /** Pixels inside. */
  readonly area: number
  /** See `bitmapBox`. */
  readonly box: Box
}

export interface Measures extends Extent {
  /**
   * Stability score: IoU of the masks at threshold + offset and threshold − offset. 0 if both are empty, where Meta's
   * utils/amg.py#calculate_stability_score gives NaN.
   */
  readonly stability: number
}

/** Area and box of a mask at the photo's size, without allocating an array of that size. Passes each run on. */
export function measureExtent(lowRes: Float32Array, at: { frame: Frame; threshold: number }, visit?: VisitRun): Extent {
  let [area, left, top, right, bottom] = [0, Infinity, Infinity, 0, 0]
  thresholdRuns(lowRes, at, (y, start, end) => {
    area += end - start
    left = Math.min(left, start)
    right = Math.max(right, end)
    top = Math.min(top, y)
    bottom = y + 1
    visit?.(y, start, end)
  })
  return { area, box: area ? [left, top, right, bottom] : [0, 0, 0, 0] }
}

/** Area and box of a bitmap of zeros and ones. */
export function bitmapExtent(bitmap: Bitmap): Extent {
  const box = bitmapBox(bitmap)
  let area = 0
  for (let y = box[1]; y < box[3]; y++)
    for (let at = y * bitmap.width + box[0], end = at + box[2] - box[0]; at < end; at++) area += bitmap.data[at]
  return { area, box }
}

/** Stability score of a mask at the photo's size: see {@link Measures}. */
export function measureStability(
  lowRes: Float32Array,
  { frame, threshold, offset }: { frame: Frame; threshold: number; offset: number }
): number {
  const areaAt = (level: number): number => measureExtent(lowRes, { frame, threshold: level }).area
  const union = areaAt(threshold - offset)
  return union ? areaAt(threshold + offset) / union : 0
}
