import type { Frame } from '@sam/core/model'

/**
 * Zero contour of low-resolution logits, as closed rings x, y, x, y … in image pixels. Marching squares, with the
 * crossing interpolated along each edge: the outline of the bilinearly upscaled mask, as a vector that is sharp at any
 * zoom. Saddles are resolved by the mean of their corners. The logits cover the padded square; the contour is clipped
 * to the image border.
 */
export function contour(logits: Float32Array, frame: Frame): Float32Array[] {
  const side = Math.sqrt(logits.length)
  const [height, width] = frame.originalSize
  const columns = axis({ side, scaled: frame.inputSize[1], length: width, square: frame.imageSize })
  const rows = axis({ side, scaled: frame.inputSize[0], length: height, square: frame.imageSize })
  const [w, h] = [columns.at.length, rows.at.length]
  const values = new Float32Array(w * h).fill(-Infinity)
  for (let y = 1; y < h - 1; y++)
    for (let x = 1; x < w - 1; x++) values[y * w + x] = sample(logits, side, { x: columns.from[x], y: rows.from[y] })
  return trace(values, columns.at, rows.at)
}

/**
 * Sample positions along one axis: `at` in image pixels, `from` in low-resolution pixels. The border, the centre of
 * every low-resolution pixel inside the image, and the border; then the border once more on either side, as padding
 * that counts as outside.
 */
function axis({ side, scaled, length, square }: { side: number; scaled: number; length: number; square: number }): {
  at: number[]
  from: number[]
} {
  const toImage = (square / side) * (length / scaled)
  const centres = Array.from({ length: side }, (_, i) => (i + 0.5) * toImage).filter(at => at > 0 && at < length)
  const at = [0, 0, ...centres, length, length]
  return { at, from: at.map(x => x / toImage - 0.5) }
}

/** Bilinear interpolation, clamped at the border. */
function sample(logits: Float32Array, side: number, { x, y }: { x: number; y: number }): number {
  const clamp = (n: number): number => Math.max(0, Math.min(side - 1, n))
  const [x0, y0] = [Math.floor(clamp(x)), Math.floor(clamp(y))]
  const [x1, y1] = [clamp(x0 + 1), clamp(y0 + 1)]
  const [fx, fy] = [clamp(x) - x0, clamp(y) - y0]
  const mix = (a: number, b: number, f: number): number => a + (b - a) * f
  return mix(
    mix(logits[y0 * side + x0], logits[y0 * side + x1], fx),
    mix(logits[y1 * side + x0], logits[y1 * side + x1], fx),
    fy
  )
}

/**
 * Pairs of cell edges joined by a segment, indexed by the corners inside. Bits: top left 1, top right 2, bottom right
 * 4, bottom left 8. Edges: top 0, right 1, bottom 2, left 3.
 */
const joins: readonly (readonly number[])[] = [
  [],
  [3, 0],
  [0, 1],
  [3, 1],
  [1, 2],
  [3, 0, 1, 2],
  [0, 2],
  [3, 2],
  [2, 3],
  [2, 0],
  [0, 1, 2, 3],
  [2, 1],
  [1, 3],
  [1, 0],
  [0, 3],
  []
]
const saddles: Readonly<Record<number, readonly number[]>> = { 5: [3, 2, 1, 0], 10: [0, 3, 2, 1] }

function trace(values: Float32Array, xs: readonly number[], ys: readonly number[]): Float32Array[] {
  const w = xs.length
  // An edge's key is twice the index of its first corner, plus 1 if it is vertical.
  const edgeOf = (x: number, y: number, edge: number): number =>
    [2 * (y * w + x), 2 * (y * w + x + 1) + 1, 2 * ((y + 1) * w + x), 2 * (y * w + x) + 1][edge]
  const next = new Map<number, number>()
  for (let y = 0; y < ys.length - 1; y++) {
    for (let x = 0; x < w - 1; x++) {
      const corners = [values[y * w + x], values[y * w + x + 1], values[(y + 1) * w + x + 1], values[(y + 1) * w + x]]
      const inside = corners.reduce((bits, v, i) => (v > 0 ? bits | (1 << i) : bits), 0)
      const mean = corners[0] + corners[1] + corners[2] + corners[3]
      const pairs = inside in saddles && mean > 0 ? saddles[inside] : joins[inside]
      for (let i = 0; i < pairs.length; i += 2) next.set(edgeOf(x, y, pairs[i]), edgeOf(x, y, pairs[i + 1]))
    }
  }
  const crossing = (edge: number): [number, number] => {
    const corner = edge >> 1
    const [x, y] = [corner % w, Math.floor(corner / w)]
    const [a, b] = [values[corner], values[edge & 1 ? corner + w : corner + 1]]
    const f = a === -Infinity ? 1 : b === -Infinity ? 0 : a / (a - b)
    return edge & 1 ? [xs[x], ys[y] + f * (ys[y + 1] - ys[y])] : [xs[x] + f * (xs[x + 1] - xs[x]), ys[y]]
  }
  const rings: Float32Array[] = []
  for (const start of next.keys()) {
    const ring: number[] = []
    for (let edge: number | undefined = start; edge !== undefined; ) {
      ring.push(...crossing(edge))
      const after: number | undefined = next.get(edge)
      next.delete(edge)
      edge = after
    }
    if (ring.length > 6) rings.push(Float32Array.from(ring))
  }
  return rings
}
