import type { Bitmap } from './bitmap.js'

/** Left, top, right, bottom: the edges of the pixels, so a single pixel at (x, y) is [x, y, x + 1, y + 1]. */
export type BoxXyxy = readonly [number, number, number, number]
/** Left, top, width, height: COCO's `bbox`. */
export type BoxXywh = readonly [number, number, number, number]

/**
 * The smallest box around a bitmap; [0, 0, 0, 0] when it is empty. Right and bottom are one more than Meta's
 * (utils/amg.py#batched_mask_to_box), which names the last pixels: with edges, width times height is the area, and it
 * is a box prompt.
 */
export function bitmapBox({ width, height, data }: Bitmap): BoxXyxy {
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

/** Meta: utils/amg.py#box_xyxy_to_xywh. */
export const toXywh = ([x0, y0, x1, y1]: BoxXyxy): BoxXywh => [x0, y0, x1 - x0, y1 - y0]
