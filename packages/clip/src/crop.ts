import { InputError, type RgbImage } from '@sam/core'
import { resizeImage } from '@sam/core/model'
import type { Bitmap } from '@sam/core'

export interface CropRule {
  /**
   * The crop's side as a multiple of the longer side of the mask's box. Sampled from 1 … 2 in training (paper, D.5).
   */
  readonly grow: number
  /** Whether pixels outside the object are set to black. In training with probability ½ (paper, D.5). */
  readonly zeroOutside: boolean
}

export interface Crop {
  /** size × size. */
  readonly picture: RgbImage
  /** [grid²], row by row: 1 if the patch touches the object. */
  readonly patches: Float32Array
}

/**
 * Crops an object for CLIP: the box of its mask, enlarged, made square around its centre, and resized. Pixels outside
 * the photo are black. Paper, D.5. Throws `InputError` `E_BAD_PROMPT` for a mask that is empty or of another size than
 * the photo.
 */
export function cropObject(
  photo: RgbImage,
  mask: Bitmap,
  { size, grid, grow, zeroOutside }: CropRule & { size: number; grid: number }
): Crop {
  if (mask.width !== photo.width || mask.height !== photo.height || mask.data.length !== photo.width * photo.height) {
    throw new InputError(
      'E_BAD_PROMPT',
      `mask: must have the size of the photo, ${photo.width} × ${photo.height}, found ${mask.width} × ${mask.height}`
    )
  }
  const [x0, y0, x1, y1] = boxOf(mask)
  const side = Math.max(1, Math.round(Math.max(x1 - x0, y1 - y0) * grow))
  const [left, top] = [Math.round((x0 + x1 - side) / 2), Math.round((y0 + y1 - side) / 2)]

  const data = new Uint8Array(side * side * 3)
  const patches = new Float32Array(grid * grid)
  for (let y = Math.max(0, top); y < Math.min(photo.height, top + side); y++) {
    const row = Math.floor(((y - top) * grid) / side) * grid
    for (let x = Math.max(0, left); x < Math.min(photo.width, left + side); x++) {
      const from = y * photo.width + x
      const inside = mask.data[from] !== 0
      if (inside) patches[row + Math.floor(((x - left) * grid) / side)] = 1
      else if (zeroOutside) continue
      const to = ((y - top) * side + x - left) * 3
      for (let c = 0; c < 3; c++) data[to + c] = photo.data[from * 3 + c]
    }
  }
  return { picture: resizeImage({ width: side, height: side, data }, { width: size, height: size }), patches }
}

/** Bounding box of the bitmap, [x0, y0, x1, y1] in pixel edges. */
function boxOf({ width, height, data }: Bitmap): [number, number, number, number] {
  let [x0, y0, x1, y1] = [width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue
      x0 = Math.min(x0, x)
      x1 = Math.max(x1, x + 1)
      y0 = Math.min(y0, y)
      y1 = y + 1
    }
  }
  if (x1 === 0) throw new InputError('E_BAD_PROMPT', 'mask: must have a pixel inside to be cropped, found none')
  return [x0, y0, x1, y1]
}

/** CLIP's mean per channel, on the 0 … 1 scale; below, its standard deviation. OpenAI: clip.py#_transform. */
export const mean = [0.48145466, 0.4578275, 0.40821073] as const
export const deviation = [0.26862954, 0.26130258, 0.27577711] as const

/** Writes a picture's channels, normalised, into [3, S, S] from `at` on. */
export function normalizeInto(out: Float32Array, at: number, { width, height, data }: RgbImage): void {
  const plane = width * height
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) out[at + c * plane + i] = (data[i * 3 + c] / 255 - mean[c]) / deviation[c]
  }
}
