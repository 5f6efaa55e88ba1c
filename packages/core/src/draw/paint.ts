import type { Rgb, RgbImage } from '../image/image.js'
import type { Box } from '../masks/box.js'

/** Signed distance in pixels from a position to a shape's border, negative inside. */
export type Shape = (x: number, y: number) => number

export interface Paint {
  readonly color: Rgb
  /** 0 … 1, default 1. */
  readonly opacity?: number
  readonly shape: Shape
}

/** Blends a shape over the pixels of a region, in place, with an antialiased edge. */
export function paint({ width, height, data }: RgbImage, region: Box, { color, opacity = 1, shape }: Paint): void {
  const [x0, y0, x1, y1] = clipRegion(region, { width, height })
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const cover = opacity * Math.min(1, Math.max(0, 0.5 - shape(x + 0.5, y + 0.5)))
      if (cover === 0) continue
      const at = (y * width + x) * 3
      for (let c = 0; c < 3; c++) data[at + c] = data[at + c] + (color[c] - data[at + c]) * cover + 0.5
    }
  }
}

/** A region rounded to integer pixels and clipped to the picture. */
export const clipRegion = ([x0, y0, x1, y1]: Box, { width, height }: { width: number; height: number }): Box => [
  Math.max(0, Math.floor(x0)),
  Math.max(0, Math.floor(y0)),
  Math.min(width, Math.ceil(x1)),
  Math.min(height, Math.ceil(y1))
]

/** A disc. */
export const disc =
  (cx: number, cy: number, radius: number): Shape =>
  (x, y) =>
    Math.hypot(x - cx, y - cy) - radius

/** The inside of a box given by its edges. */
export const rectangle =
  ([x0, y0, x1, y1]: Box): Shape =>
  (x, y) =>
    Math.max(x0 - x, x - x1, y0 - y, y - y1)

/** The border of a shape as a line of the given width in pixels. */
export const outline =
  (shape: Shape, width: number): Shape =>
  (x, y) =>
    Math.abs(shape(x, y)) - width / 2
