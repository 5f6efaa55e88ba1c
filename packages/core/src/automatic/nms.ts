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
  const kept: T[] = []
  const near = boxIndex()
  for (const item of [...items].sort((a, b) => score(b) - score(a))) {
    const box = toLastPixels(item.box)
    // Boxes that do not meet have an IoU of 0.
    if (threshold < 0 && kept.length) break
    if (near.some(box, other => Math.fround(boxIou(other, box)) > threshold)) continue
    kept.push(item)
    near.add(box)
  }
  return kept
}

/** Boxes by the cells of a grid that they cover, so that a box is compared only with those around it. */
function boxIndex() {
  const side = 512
  const cells = new Map<string, Box[]>()
  const keys = ([x0, y0, x1, y1]: Box): string[] => {
    const [left, top, right, bottom] = [x0, y0, x1, y1].map(v => Math.floor(v / side))
    const found: string[] = []
    for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) found.push(`${x},${y}`)
    return found
  }
  return {
    some: (box: Box, test: (other: Box) => boolean): boolean => keys(box).some(key => cells.get(key)?.some(test)),
    add(box: Box): void {
      for (const key of keys(box)) {
        const cell = cells.get(key)
        if (cell) cell.push(box)
        else cells.set(key, [box])
      }
    }
  }
}
