import { boxIou, type Box } from '../masks/box.js'

/**
 * Non-maximum suppression: what is kept, best first, when each item removes those after it whose box overlaps its own
 * by more than `threshold`. Equal scores keep their order. torchvision: ops.nms.
 */
export function boxNms<T extends { readonly box: Box }>(
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
