import { boxIou, type Box } from '../masks/box.js'

/**
 * Non-maximum suppression: the kept items, best first. Each kept item removes later ones whose box IoU with it exceeds
 * `threshold`. Ties keep their order. torchvision: ops.nms.
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
