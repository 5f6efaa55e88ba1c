/**
 * The click policy of interactive-segmentation benchmarks (RITM): the next click is the pixel that lies deepest inside
 * what is still wrong, missed and wrongly covered pixels apart. Source: RITM, isegm/inference/clicker.py.
 */
import type { Point } from '@sam/core'

export interface BitGrid {
  readonly width: number
  readonly height: number
  /** One byte a pixel, 0 outside. */
  readonly data: Uint8Array
}

/**
 * The next click, or undefined where the prediction is the truth. Among equally deep pixels the first in row order;
 * missed pixels before wrongly covered ones.
 */
export function nextClick(truth: BitGrid, prediction: Uint8Array): Point | undefined {
  const { width, height } = truth
  const where = (wrong: (t: number, p: number) => boolean): { depth: number; at: number } => {
    const data = truth.data.map((t, i) => +wrong(t, prediction[i]))
    return deepest(squaredDistances({ width, height, data }))
  }
  const missed = where((t, p) => t !== 0 && p === 0)
  const covered = where((t, p) => t === 0 && p !== 0)
  const [{ depth, at }, label] =
    missed.depth >= covered.depth ? ([missed, 'foreground'] as const) : ([covered, 'background'] as const)
  return depth ? { x: at % width, y: Math.floor(at / width), label } : undefined
}

function deepest(distances: Float64Array): { depth: number; at: number } {
  let at = 0
  for (let i = 1; i < distances.length; i++) if (distances[i] > distances[at]) at = i
  return { depth: distances[at], at }
}

/**
 * The squared Euclidean distance of each pixel to the nearest one outside; beyond the picture all is outside. Exact,
 * one axis after the other. Source: Felzenszwalb & Huttenlocher, Distance Transforms of Sampled Functions.
 */
export function squaredDistances({ width, height, data }: BitGrid): Float64Array {
  const out = new Float64Array(width * height)
  // Along columns the nearest pixel outside is counted from both ends.
  for (let x = 0; x < width; x++) {
    for (let y = 0, run = 0; y < height; y++) out[y * width + x] = run = data[y * width + x] ? run + 1 : 0
    for (let y = height - 1, run = 0; y >= 0; y--) {
      run = data[y * width + x] ? run + 1 : 0
      out[y * width + x] = Math.min(out[y * width + x], run) ** 2
    }
  }
  // Along rows: the lower envelope of the parabolas that stand on the columns' results, with 0 beyond both ends.
  const [row, site, from] = [new Float64Array(width + 2), new Int32Array(width + 2), new Float64Array(width + 3)]
  for (let y = 0; y < height; y++) {
    row.set(out.subarray(y * width, (y + 1) * width), 1)
    let k = 0
    ;[site[0], from[0], from[1]] = [0, -Infinity, Infinity]
    for (let q = 1; q < row.length; q++) {
      const meet = (p: number): number => (row[q] + q * q - row[p] - p * p) / (2 * (q - p))
      let s = meet(site[k])
      while (s <= from[k]) s = meet(site[--k])
      k++
      ;[site[k], from[k], from[k + 1]] = [q, s, Infinity]
    }
    k = 0
    for (let x = 1; x <= width; x++) {
      while (from[k + 1] < x) k++
      out[y * width + x - 1] = (x - site[k]) ** 2 + row[site[k]]
    }
  }
  return out
}
