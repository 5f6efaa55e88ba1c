import type { Box } from './box.js'
import type { Mask } from './mask.js'

/** A mask with its measures. */
export interface Measured {
  readonly mask: Mask
  readonly box: Box
  readonly area: number
}

/** When two masks count as duplicates. */
export interface OverlapLimits {
  /** The highest IoU of two masks that count as different objects. */
  readonly iou: number
  /** The highest fraction of the smaller mask that may lie inside the larger one. */
  readonly containment: number
}

/** Whether two masks are duplicates: nearly equal, or one nearly inside the other. */
export function isDuplicate(a: Measured, b: Measured, { iou, containment }: OverlapLimits): boolean {
  if (!boxesMeet(a.box, b.box)) return false
  const shared = a.mask.sharedArea(b.mask)
  return shared > iou * (a.area + b.area - shared) || shared > containment * Math.min(a.area, b.area)
}

/** The masks, in their order, without those that are duplicates of an earlier one. */
export function withoutDuplicates<T extends Measured>(ranked: readonly T[], limits: OverlapLimits): T[] {
  const kept: T[] = []
  for (const item of ranked) if (!kept.some(k => isDuplicate(k, item, limits))) kept.push(item)
  return kept
}

const boxesMeet = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
