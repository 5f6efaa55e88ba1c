import type { Frame } from '../frame.js'
import { upscaleRows } from '../upscale.js'

/**
 * How little a mask changes with its threshold: the IoU of the masks cut at threshold + offset and threshold − offset, at the photo's
 * size. Meta: utils/amg.py#calculate_stability_score, which gives NaN where both are empty; here that is 0.
 */
export function stabilityScore(lowRes: Float32Array, frame: Frame, { threshold, offset }: { threshold: number; offset: number }): number {
  let intersection = 0
  let union = 0
  upscaleRows(lowRes, frame, row => {
    for (const logit of row) {
      if (logit > threshold - offset) union++
      if (logit > threshold + offset) intersection++
    }
  })
  return union ? intersection / union : 0
}
