import type { Box } from './box.js'
import type { Mask } from './mask.js'

/** When two masks count as duplicates. */
export interface OverlapLimits {
  /** The highest IoU of two masks that count as different objects. */
  readonly iou: number
  /** The highest fraction of the smaller mask that may lie inside the larger one. */
  readonly containment: number
}

/** The first masks, in their order and at most `limit`, without those that are duplicates of an earlier one. */
export function withoutDuplicates<T extends { readonly mask: Mask }>(
  ranked: readonly T[],
  limits: OverlapLimits,
  limit = Infinity
): T[] {
  const kept: T[] = []
  for (const item of ranked) {
    if (kept.length >= limit) break
    if (!kept.some(({ mask }) => isDuplicate(mask, item.mask, limits))) kept.push(item)
  }
  return kept
}

/** Whether two masks are duplicates: nearly equal, or one nearly inside the other. */
function isDuplicate(a: Mask, b: Mask, { iou, containment }: OverlapLimits): boolean {
  if (!boxesMeet(a.boxXyxy, b.boxXyxy)) return false
  const shared = a.sharedArea(b)
  return shared > iou * (a.area + b.area - shared) || shared > containment * Math.min(a.area, b.area)
}

const boxesMeet = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
