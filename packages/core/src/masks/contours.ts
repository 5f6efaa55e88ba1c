import type { Frame } from '../image/frame.js'
import type { Size } from '../image/resize.js'
import type { Bitmap } from './bitmap.js'
import { signedArea, type MultiPolygon, type Position, type Ring } from './polygons.js'

/**
 * The contour of a predicted mask in pixels of the photo, with sub-pixel positions: where its logits, interpolated
 * between the samples of the low-resolution mask, cross the threshold. It ends at the edges of the photo.
 */
export function logitContours(
  lowRes: Float32Array,
  { frame, threshold }: { frame: Frame; threshold: number }
): MultiPolygon {
  const side = Math.sqrt(lowRes.length)
  const [rows, columns] = frame.originalSize.map((length, axis) => {
    const pixels = ((frame.imageSize / side) * length) / frame.inputSize[axis]
    const centres = Array.from({ length: side }, (_, i) => (i + 0.5) * pixels).filter(at => at > 0 && at < length)
    return { at: [0, ...centres, length], sampleAt: (at: number) => at / pixels - 0.5 }
  })
  return contours({ width: side, height: side, data: lowRes }, { columns, rows, threshold })
}

/**
 * The contour of a bitmap: through the middles between pixels that are inside and outside, so that corners are cut.
 * `part` is at `left`, `top` of the photo; around the mask it has pixels that are outside, or ends with the photo.
 */
export function bitmapContours(part: Bitmap, { left, top }: { left: number; top: number }): MultiPolygon {
  const axis = (start: number, length: number): Axis => ({
    at: [start, ...Array.from({ length }, (_, i) => start + i + 0.5), start + length],
    sampleAt: at => at - start - 0.5
  })
  return contours(part, { columns: axis(left, part.width), rows: axis(top, part.height), threshold: 0.5 })
}

/** Where the samples of the contour lie along an axis: its edges and what is between them. */
interface Axis {
  /** In pixels of the photo. */
  readonly at: readonly number[]
  /** Such a place as an index into the field, with fractions. */
  readonly sampleAt: (at: number) => number
}

interface Field extends Size {
  readonly data: ArrayLike<number>
}

/** Marching squares: polygons with holes around the samples above the threshold, oriented as by `tracePolygons`. */
function contours(
  field: Field,
  { columns, rows, threshold }: { columns: Axis; rows: Axis; threshold: number }
): MultiPolygon {
  // The edges once more, as samples that are outside.
  const [xs, ys] = [columns, rows].map(({ at }) => [at[0], ...at, at[at.length - 1]])
  const wide = xs.length
  const values = new Float32Array(wide * ys.length).fill(-Infinity)
  for (let y = 1; y < ys.length - 1; y++)
    for (let x = 1; x < wide - 1; x++)
      values[y * wide + x] = interpolated(field, columns.sampleAt(xs[x]), rows.sampleAt(ys[y])) - threshold

  /** Each crossed edge of the grid leads to the next one of its ring: 2 (y · wide + x), + 1 for the edge downwards. */
  const next = new Map<number, number>()
  for (let y = 0; y < ys.length - 1; y++) {
    for (let x = 0; x < wide - 1; x++) {
      const at = y * wide + x
      const corners = [values[at], values[at + 1], values[at + wide + 1], values[at + wide]]
      const inside = corners.reduce((bits, v, i) => bits | (v > 0 ? 1 << i : 0), 0)
      if (inside === 0 || inside === 15) continue
      const edges = { top: 2 * at, right: 2 * (at + 1) + 1, bottom: 2 * (at + wide), left: 2 * at + 1 }
      const joined = corners[0] + corners[1] + corners[2] + corners[3] > 0
      for (const [from, to] of segments[inside + (joined ? 16 : 0)] ?? segments[inside])
        next.set(edges[from], edges[to])
    }
  }
  const position = (edge: number): Position => {
    const at = edge >> 1
    const [x, y] = [at % wide, Math.floor(at / wide)]
    const isDown = (edge & 1) === 1
    const part = crossing(values[at], values[isDown ? at + wide : at + 1])
    return isDown ? [xs[x], ys[y] + part * (ys[y + 1] - ys[y])] : [xs[x] + part * (xs[x + 1] - xs[x]), ys[y]]
  }
  const rings: Ring[] = []
  for (const start of [...next.keys()]) {
    const ring: Position[] = []
    for (let edge: number | undefined = start; edge !== undefined; ) {
      const following: number | undefined = next.get(edge)
      if (following === undefined) break
      const p = position(edge)
      const last = ring.at(-1)
      if (last?.[0] !== p[0] || last[1] !== p[1]) ring.push(p)
      next.delete(edge)
      edge = following
    }
    if (ring.length > 1 && `${ring[0]}` === `${ring.at(-1)}`) ring.pop()
    if (ring.length > 2) rings.push([...ring, ring[0]])
  }
  return withHoles(rings)
}

/** Bilinear interpolation between the samples of a field; beyond them, the nearest. */
function interpolated({ width, height, data }: Field, x: number, y: number): number {
  const [cx, cy] = [clamp(x, width - 1), clamp(y, height - 1)]
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)]
  const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)]
  const mix = (a: number, b: number, part: number): number => (part ? a + (b - a) * part : a)
  return mix(
    mix(data[y0 * width + x0], data[y0 * width + x1], cx - x0),
    mix(data[y1 * width + x0], data[y1 * width + x1], cx - x0),
    cy - y0
  )
}

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value))

/** The place between two values where they cross 0, from 0 to 1. */
function crossing(a: number, b: number): number {
  if (a === -Infinity) return 1
  if (b === -Infinity) return 0
  return Number.isFinite(a - b) ? a / (a - b) : 0.5
}

type Side = 'top' | 'right' | 'bottom' | 'left'

/**
 * The segments of a cell by which of its corners are inside (bits: top left, top right, bottom right, bottom left),
 * with the inside on their right. Where two opposite corners are inside, + 16 if the middle is inside too.
 */
const segments: Readonly<Record<number, readonly (readonly [Side, Side])[]>> = {
  1: [['top', 'left']],
  2: [['right', 'top']],
  3: [['right', 'left']],
  4: [['bottom', 'right']],
  5: [
    ['top', 'left'],
    ['bottom', 'right']
  ],
  6: [['bottom', 'top']],
  7: [['bottom', 'left']],
  8: [['left', 'bottom']],
  9: [['top', 'bottom']],
  10: [
    ['right', 'top'],
    ['left', 'bottom']
  ],
  11: [['right', 'bottom']],
  12: [['left', 'right']],
  13: [['top', 'right']],
  14: [['left', 'top']],
  21: [
    ['top', 'right'],
    ['bottom', 'left']
  ],
  26: [
    ['left', 'top'],
    ['right', 'bottom']
  ]
}

/** Outlines, each followed by the holes that lie in it. */
function withHoles(rings: readonly Ring[]): MultiPolygon {
  const sized = rings.map(ring => ({ ring, area: signedArea(ring) }))
  const outlines = sized.filter(({ area }) => area > 0).sort((a, b) => a.area - b.area)
  const polygons = new Map(outlines.map(({ ring }) => [ring, [ring]]))
  for (const { ring: hole, area } of sized) {
    if (area >= 0) continue
    const owner = outlines.find(({ ring }) => hole.some(p => isInside(p, ring)))
    if (owner) polygons.get(owner.ring)!.push(hole)
  }
  return [...polygons.values()]
}

/** Whether a position is inside a ring, by the parity of the edges to its left. */
function isInside([x, y]: Position, ring: Ring): boolean {
  let inside = false
  for (let i = 1; i < ring.length; i++) {
    const [[x0, y0], [x1, y1]] = [ring[i - 1], ring[i]]
    if (y0 > y !== y1 > y && x > x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside
  }
  return inside
}
