import { applyTaps, bilinearTaps, composeTaps, type Taps } from '../tensor/interpolate.js'
import type { Frame } from '../image/frame.js'

export interface UpscaleOptions {
  readonly frame: Frame
  /** Rows and parts of rows in which no logit can exceed this are skipped. Default: −∞, nothing is skipped. */
  readonly above?: number
}

/**
 * Called with the logits of row y of the photo, in an array that the next row overwrites, valid from column `start` to
 * `end` (exclusive).
 */
export type VisitRow = (row: Float64Array, y: number, columns: readonly [start: number, end: number]) => void

/**
 * Upscales a low-resolution mask to the photo's size, row by row, without storing a float for every pixel.
 *
 * Same as Meta's modeling/sam.py#postprocess_masks: bilinear from `side` × `side` to the square input, crop of the
 * padding, bilinear to the photo. The two resizes are one sparse map along each axis. A pixel is a mean of at most four
 * by four logits, so it exceeds `above` only where one of them does: for a small mask, only its surroundings are
 * computed.
 */
export function upscaleRows(lowRes: Float32Array, { frame, above = -Infinity }: UpscaleOptions, visit: VisitRow): void {
  const side = Math.sqrt(lowRes.length)
  const [rows, columns] = extent(lowRes, side, above)
  if (rows[0] >= rows[1]) return
  const [height, width] = frame.originalSize
  const toSquare = bilinearTaps(side, frame.imageSize)
  const across = composeTaps(toSquare, bilinearTaps(frame.inputSize[1], width))
  const down = composeTaps(toSquare, bilinearTaps(frame.inputSize[0], height))
  const [top, bottom] = touching(down, rows)
  const [start, end] = touching(across, columns)

  const wide = applyTaps(across, lowRes, { outer: side })
  const row = new Float64Array(width)
  for (let y = top; y < bottom; y++) {
    row.fill(0, start, end)
    for (let k = 0; k < down.count[y]; k++) {
      const weight = down.weights[y * down.width + k]
      const from = (down.first[y] + k) * width
      for (let x = start; x < end; x++) row[x] += weight * wide[from + x]
    }
    visit(row, y, [start, end])
  }
}

type Range = readonly [start: number, end: number]

/** The range of rows and columns with logits above the value. */
function extent(lowRes: Float32Array, side: number, above: number): [rows: Range, columns: Range] {
  if (above === -Infinity)
    return [
      [0, side],
      [0, side]
    ]
  let [top, bottom, left, right] = [side, 0, side, 0]
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++, i++) {
      if (!(lowRes[i] > above)) continue
      if (y < top) top = y
      bottom = y + 1
      if (x < left) left = x
      if (x >= right) right = x + 1
    }
  }
  return [
    [top, bottom],
    [left, right]
  ]
}

/** The range of outputs that depend on any of these inputs. */
function touching({ outSize, first, count }: Taps, [start, end]: Range): Range {
  let [from, to] = [0, outSize]
  while (from < to && first[from] + count[from] <= start) from++
  while (to > from && first[to - 1] >= end) to--
  return [from, to]
}
