import { refuse } from '../errors.js'
import type { RgbImage } from './image.js'

/**
 * The pixels inside a box [x0, y0, x1, y1] of whole numbers, by pixel edges, as an image of their own. Throws
 * `InputError` `E_BAD_OPTION` for a box that is empty or leaves the image.
 */
export function cropImage(
  { width, height, data }: RgbImage,
  [x0, y0, x1, y1]: readonly [number, number, number, number]
): RgbImage {
  if (
    ![x0, y0, x1, y1].every(Number.isInteger) ||
    x0 < 0 ||
    y0 < 0 ||
    x1 > width ||
    y1 > height ||
    x0 >= x1 ||
    y0 >= y1
  )
    refuse(
      'E_BAD_OPTION',
      `crop: must be whole numbers with x0 < x1 and y0 < y1 inside the photo (0 … ${width} × 0 … ${height}), found [${[x0, y0, x1, y1]}]`
    )
  const out = new Uint8Array((x1 - x0) * (y1 - y0) * 3)
  for (let y = y0; y < y1; y++)
    out.set(data.subarray((y * width + x0) * 3, (y * width + x1) * 3), (y - y0) * (x1 - x0) * 3)
  return { width: x1 - x0, height: y1 - y0, data: out }
}
