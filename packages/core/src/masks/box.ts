import type { Bitmap } from './bitmap.js'

/**
 * A box as x0, y0, x1, y1 in pixels of the photo: left, top, right, bottom. They are pixel edges, so a single pixel
 * at (x, y) is [x, y, x + 1, y + 1].
 */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number]

/**
 * The bounding box of a bitmap; [0, 0, 0, 0] if it is empty. Right and bottom are one more than Meta's
 * (see {@link toLastPixels}), which are the last pixels: with edges, width times height is the area, and the
 * box is a valid box prompt.
 */
export function bitmapBox({ width, height, data }: Bitmap): Box {
  let [x0, y0, x1, y1] = [width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width)
    const first = row.findIndex(value => value !== 0)
    if (first < 0) continue
    y0 = Math.min(y0, y)
    y1 = y + 1
    x0 = Math.min(x0, first)
    let last = width
    while (last > x1 && row[last - 1] === 0) last--
    x1 = last
  }
  return x1 > x0 ? [x0, y0, x1, y1] : [0, 0, 0, 0]
}

/** A box in COCO's format: left, top, width, height. Meta: utils/amg.py#box_xyxy_to_xywh. */
export const toXywh = ([x0, y0, x1, y1]: Box): readonly [x: number, y: number, width: number, height: number] => [
  x0,
  y0,
  x1 - x0,
  y1 - y0
]

/**
 * A box in Meta's form, in which right and bottom are the last pixels (utils/amg.py#batched_mask_to_box). The box of an
 * empty mask does not change.
 */
export const toLastPixels = ([x0, y0, x1, y1]: Box): Box => (x1 > x0 ? [x0, y0, x1 - 1, y1 - 1] : [x0, y0, x1, y1])

/** Width times height. */
export const boxArea = ([x0, y0, x1, y1]: Box): number => (x1 - x0) * (y1 - y0)

/** Intersection over union of two boxes; 0 if both are empty. */
export function boxIou(a: Box, b: Box): number {
  const shared =
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]))
  const union = boxArea(a) + boxArea(b) - shared
  return union > 0 ? shared / union : 0
}

/** A box clipped to the photo; left ≥ right or top ≥ bottom if they do not intersect. */
export const clipBox = ([x0, y0, x1, y1]: Box, { width, height }: { width: number; height: number }): Box => [
  Math.max(0, x0),
  Math.max(0, y0),
  Math.min(width, x1),
  Math.min(height, y1)
]
