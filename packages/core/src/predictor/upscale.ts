import { applyTaps, bilinearTaps, composeTaps } from '../tensor/interpolate.js'
import type { Frame } from './frame.js'

/**
 * Brings a low-resolution mask to the photo's pixels, row by row, so that no one needs to hold a float for every pixel: `visit(row, y)` gets
 * the logits of row y in an array that the next row overwrites.
 *
 * It is Meta's modeling/sam.py#postprocess_masks: bilinear from `side` × `side` to the square input, the padding cropped away, bilinear
 * to the photo; the two resizes are one sparse map along each axis.
 */
export function upscaleRows(lowRes: Float32Array, frame: Frame, visit: (row: Float64Array, y: number) => void): void {
  const side = Math.sqrt(lowRes.length)
  const [height, width] = frame.originalSize
  const toSquare = bilinearTaps(side, frame.imageSize)
  const across = composeTaps(toSquare, bilinearTaps(frame.inputSize[1], width))
  const down = composeTaps(toSquare, bilinearTaps(frame.inputSize[0], height))

  const wide = applyTaps(across, lowRes, { outer: side })
  const row = new Float64Array(width)
  for (let y = 0; y < height; y++) {
    row.fill(0)
    for (let k = 0; k < down.count[y]; k++) {
      const weight = down.weights[y * down.width + k]
      const from = (down.first[y] + k) * width
      for (let x = 0; x < width; x++) row[x] += weight * wide[from + x]
    }
    visit(row, y)
  }
}
