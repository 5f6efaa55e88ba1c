import { f32, type HostTensor } from '../tensor/tensor.js'
import { refuse } from '../errors.js'
import type { RgbImage } from './image.js'

/**
 * Mean and standard deviation of each channel, on the 0 … 255 scale. Meta: `build_sam.py`, `pixel_mean` and
 * `pixel_std`.
 */
export const pixelMean = [123.675, 116.28, 103.53] as const
export const pixelStd = [58.395, 57.12, 57.375] as const

/**
 * What the image encoder takes: [1, 3, side, side], each channel normalised, then padded on the right and bottom with
 * zeros (so the padding has the mean colour). Meta: `modeling/sam.py#preprocess`. Throws `E_BAD_IMAGE` where the image
 * is larger than the square.
 */
export function normalizeImage({ width, height, data }: RgbImage, side: number): HostTensor<'f32'> {
  if (width > side || height > side) {
    refuse(
      'E_BAD_IMAGE',
      `normalizeImage: the image must fit ${side} × ${side}, found ${width} × ${height}; resize it first`
    )
  }
  const out = new Float32Array(3 * side * side)
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0, at = (c * side + y) * side, from = y * width * 3 + c; x < width; x++, at++, from += 3) {
        out[at] = (data[from] - pixelMean[c]) / pixelStd[c]
      }
    }
  }
  return f32([1, 3, side, side], out)
}
