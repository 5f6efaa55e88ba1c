import { encodePng, type Mask } from '@sam/core'

/**
 * PNG of the image inside the union of the masks, transparent elsewhere, cropped to its bounding box. Empty masks give
 * one transparent pixel.
 */
export function cutOut(
  { width, data: rgba }: Pick<ImageData, 'width' | 'data'>,
  masks: readonly Mask[]
): Promise<Uint8Array> {
  const boxes = masks.map(m => m.boxXyxy).filter(([x0, , x1]) => x1 > x0)
  const side = (i: 0 | 1 | 2 | 3, pick: (...n: number[]) => number): number =>
    boxes.length ? pick(...boxes.map(b => b[i])) : i < 2 ? 0 : 1
  const [left, top, right, bottom] = [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)]
  const data = new Uint8Array((right - left) * (bottom - top) * 4)
  const bitmaps = masks.map(m => m.bitmap())
  for (let y = top, at = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, at += 4) {
      const from = y * width + x
      if (!bitmaps.some(bits => bits[from])) continue
      data.set(rgba.subarray(from * 4, from * 4 + 4), at)
    }
  }
  return encodePng({ width: right - left, height: bottom - top, data })
}
