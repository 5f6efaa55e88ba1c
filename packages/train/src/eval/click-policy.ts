import type { Bitmap, Point } from '@sam/core'

/**
 * The next click of an evaluation, in pixels of the photo, as in RITM (isegm/inference/clicker.py): the pixel farthest
 * from the border of the error, of false negatives or of false positives, whichever is farther. Ties: false negatives
 * first, then the first pixel in row order. `predicted` is 0 outside; without it, the first click on the object.
 * Undefined where there is no error. The paper (Appendix D.1) treats both kinds of error as one region.
 */
export function nextClick(truth: Bitmap, predicted?: Uint8Array): Point | undefined {
  const { width, height } = truth
  const deepest = (isError: (truth: number, predicted: number) => boolean): { depth: number; at: number } => {
    const data = truth.data.map((t, i) => +isError(t, predicted?.[i] ?? 0))
    const depths = squaredDistances({ width, height, data })
    const depth = depths.reduce((a, b) => Math.max(a, b), 0)
    return { depth, at: depths.indexOf(depth) }
  }
  const missed = deepest((t, p) => t !== 0 && p === 0)
  const wrong = deepest((t, p) => t === 0 && p !== 0)
  const foreground = missed.depth >= wrong.depth
  const { depth, at } = foreground ? missed : wrong
  if (depth === 0) return undefined
  return { x: at % width, y: Math.floor(at / width), label: foreground ? 'foreground' : 'background' }
}

/**
 * The exact squared Euclidean distance from each pixel to the nearest one outside, [height, width]; everything beyond
 * the edges is outside. Source: Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions.
 */
export function squaredDistances({ width, height, data }: Bitmap): Float64Array {
  const out = new Float64Array(width * height)
  // Along columns: the distance to the nearest pixel outside, counted from both ends.
  for (let x = 0; x < width; x++) {
    for (let y = 0, run = 0; y < height; y++) out[y * width + x] = run = data[y * width + x] ? run + 1 : 0
    for (let y = height - 1, run = 0; y >= 0; y--) {
      run = data[y * width + x] ? run + 1 : 0
      out[y * width + x] = Math.min(out[y * width + x], run) ** 2
    }
  }
  // Along rows: the lower envelope of parabolas with their minima at the columns' results, and at 0 beyond both ends.
  const [row, apex, from] = [new Float64Array(width + 2), new Int32Array(width + 2), new Float64Array(width + 3)]
  for (let y = 0; y < height; y++) {
    row.set(out.subarray(y * width, (y + 1) * width), 1)
    let k = 0
    ;[apex[0], from[0], from[1]] = [0, -Infinity, Infinity]
    for (let q = 1; q < row.length; q++) {
      const intersection = (p: number): number => (row[q] + q * q - row[p] - p * p) / (2 * (q - p))
      let s = intersection(apex[k])
      while (s <= from[k]) s = intersection(apex[--k])
      k++
      ;[apex[k], from[k], from[k + 1]] = [q, s, Infinity]
    }
    k = 0
    for (let x = 1; x <= width; x++) {
      while (from[k + 1] < x) k++
      out[y * width + x - 1] = (x - apex[k]) ** 2 + row[apex[k]]
    }
  }
  return out
}
