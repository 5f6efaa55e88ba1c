import type { Box } from '../masks/box.js'
import type { Mask } from '../masks/mask.js'

/** A mask with its measures. */
export interface Measured {
  readonly mask: Mask
  readonly box: Box
  readonly area: number
}

export interface OverlapLimits {
  /** The highest IoU of two masks that count as different objects. */
  readonly iou: number
  /** The highest fraction of the smaller mask that may lie inside the larger one. */
  readonly containment: number
}

/** Whether two masks are duplicates: nearly equal, or one nearly inside the other. */
export function isDuplicate(a: Measured, b: Measured, { iou, containment }: OverlapLimits): boolean {
  const shared = sharedArea(a, b)
  return shared > iou * (a.area + b.area - shared) || shared > containment * Math.min(a.area, b.area)
}

/** Number of pixels inside both. Scans only the intersection of the boxes. */
function sharedArea(a: Measured, b: Measured): number {
  const [x0, y0, x1, y1] = [0, 1, 2, 3].map(i =>
    i < 2 ? Math.max(a.box[i], b.box[i]) : Math.min(a.box[i], b.box[i])
  ) as [number, number, number, number]
  if (x0 >= x1 || y0 >= y1) return 0
  const [p, q] = [a.mask.bitmap(), b.mask.bitmap()]
  let shared = 0
  for (let y = y0; y < y1; y++)
    for (let i = y * a.mask.width + x0; i < y * a.mask.width + x1; i++) shared += p[i] & q[i]
  return shared
}
