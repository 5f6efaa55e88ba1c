import type { BoxXyxy } from '../masks/box.js'

/** Intersection over union of two boxes; 0 where both are empty. */
export function boxIou(a: BoxXyxy, b: BoxXyxy): number {
  const shared =
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]))
  const union = areaOf(a) + areaOf(b) - shared
  return union > 0 ? shared / union : 0
}

export const areaOf = ([x0, y0, x1, y1]: BoxXyxy): number => (x1 - x0) * (y1 - y0)

/**
 * Non-maximum suppression: what is kept, best first, when each item removes those after it whose box overlaps its own
 * by more than `threshold`. Equal scores keep their order. torchvision: ops.nms.
 */
export function boxNms<T extends { readonly box: BoxXyxy }>(
  items: readonly T[],
  score: (item: T) => number,
  threshold: number
): T[] {
  const kept: T[] = []
  for (const item of [...items].sort((a, b) => score(b) - score(a))) {
    if (kept.every(k => boxIou(k.box, item.box) <= threshold)) kept.push(item)
  }
  return kept
}
