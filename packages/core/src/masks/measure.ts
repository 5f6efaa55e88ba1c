import type { Frame } from '../image/frame.js'
import type { Extent } from './runs.js'
import { thresholdRuns } from './threshold-runs.js'

export interface Measures extends Extent {
  /**
   * Stability score: IoU of the masks at threshold + offset and threshold − offset. 0 if both are empty, where Meta's
   * utils/amg.py#calculate_stability_score gives NaN.
   */
  readonly stability: number
}

/** Stability score of a mask at the photo's size: see {@link Measures}. */
export function measureStability(
  lowRes: Float32Array,
  { frame, threshold, offset }: { frame: Frame; threshold: number; offset: number }
): number {
  const areaAt = (level: number): number => {
    let area = 0
    thresholdRuns(lowRes, { frame, threshold: level }, (_, start, end) => {
      area += end - start
    })
    return area
  }
  const union = areaAt(threshold - offset)
  return union ? areaAt(threshold + offset) / union : 0
}
