import { boxIou, toLastPixels, type Box } from '../masks/box.js'

/**
 * Non-maximum suppression: the kept items, best first. Each kept item removes later ones whose box IoU with it exceeds
 * `threshold`. Ties keep their order. The IoU is Meta's: of boxes whose right and bottom are the last pixels, in f32.
 * torchvision: ops.nms.
 */
export function boxNms<T extends { readonly box: Box }>(
  items: readonly T[],
  score: (item: T) => number,
  threshold: number
): T[] {
  const kept: { readonly item: T; readonly box: Box }[] = []
  for (const item of [...items].sort((a, b) => score(b) - score(a))) {
    const box = toLastPixels(item.box)
    if (kept.every(k => Math.fround(boxIou(k.box, box)) <= threshold)) kept.push({ item, box })
  }
  return kept.map(({ item }) => item)
}
