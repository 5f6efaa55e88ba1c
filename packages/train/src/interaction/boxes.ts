import type { Bitmap, Box } from '@sam/core'
import type { Rng } from '@sam/rng'
import { boundsOf } from './plane.js'

/**
 * Standard deviation of a corner's noise, as a fraction of the box's side, and its limit. Paper: Appendix A, "Training
 * algorithm".
 */
const spread = 0.1
const limit = 20

/**
 * The mask's box [x0, y0, x1, y1] with normal noise of 10% of its side on each coordinate, at most 20 pixels of the
 * model's input, clipped to the plane. `pixel` is the width of a pixel of the plane in pixels of the input. Undefined
 * for an empty mask.
 */
export function jitteredBox(rng: Rng, mask: Bitmap, pixel = 1): Box | undefined {
  const box = boundsOf(mask)
  if (!box) return undefined
  const [x0, y0, x1, y1] = box
  const [w, h] = [x1 - x0 + 1, y1 - y0 + 1]
  const noise = (side: number): number =>
    Math.max(-limit / pixel, Math.min(limit / pixel, rng.normal() * spread * side))
  const [left, top, right, bottom] = [x0 + noise(w), y0 + noise(h), x1 + noise(w), y1 + noise(h)]
  const inside = (v: number, size: number): number => Math.max(0, Math.min(size - 1, v))
  return [
    inside(Math.min(left, right), mask.width),
    inside(Math.min(top, bottom), mask.height),
    inside(Math.max(left, right), mask.width),
    inside(Math.max(top, bottom), mask.height)
  ]
}
