import type { Frame } from '../image/frame.js'
import type { Size } from '../image/resize.js'
import type { Bitmap } from './bitmap.js'
import { signedArea, type MultiPolygon, type Position, type Ring } from './polygons.js'

/** Samples on a grid, row by row. */
interface Field {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/**
 * The contour of a predicted mask in pixels of the photo, with sub-pixel positions: where its logits, interpolated
 * between the samples of the low-resolution mask, cross the threshold.
 */
export function logitContours(
  lowRes: Float32Array,
  { frame, threshold }: { frame: Frame; threshold: number }
): MultiPolygon {
  const side = Math.sqrt(lowRes.length)
  const cell = frame.imageSize / side
  // Samples beyond the photo, in the padding, mean nothing.
  const [rows, columns] = frame.inputSize.map(size => Math.max(1, Math.ceil(size / cell - 0.5)))
  const data = new Float32Array(columns * rows)
  for (let y = 0; y < rows; y++) data.set(lowRes.subarray(y * side, y * side + columns), y * columns)
  const [down, across] = frame.originalSize.map((size, axis) => (cell * size) / frame.inputSize[axis])
  return contours(
    { width: columns, height: rows, data },
    { threshold, origin: [0, 0], cell: [across, down], clip: frame.originalSize }
  )
}

/**
 * The contour of a bitmap: through the middles between pixels that are inside and outside, so that corners are cut.
 * `part` is at `left`, `top` of the photo; around the mask it has pixels that are outside, or ends with the photo.
 */
export function bitmapContours(
  part: Bitmap,
  { left, top, photo }: { left: number; top: number; photo: Size }
): MultiPolygon {
  const field = { width: part.width, height: part.height, data: Float32Array.from(part.data) }
  return contours(field, {
    threshold: 0.5,
    origin: [left, top],
    cell: [1, 1],
    clip: [photo.height, photo.width]
  })
}

/** Where the samples of a field lie in the photo: its first one in the middle of the cell at `origin`. */
interface Place {
  readonly threshold: number
  readonly origin: Position
  readonly cell: Position
  /** Height and width of the photo. */
  readonly clip: readonly [number, number]
}

/**
 * Marching squares: polygons with holes around the samples above the threshold, oriented as those of `tracePolygons`.
 * At the photo's edges they end there.
 */
function contours(field: Field, { threshold, origin, cell, clip: [height, width] }: Place): MultiPolygon {
  // Two more samples on each side: a repetition, so that the outline continues straight to the edge, and one outside.
  const wide = field.width + 4
  const at = (x: number, y: number): number => {
    if (x < 1 || y < 1 || x > field.width + 2 || y > field.height + 2) return -Infinity
    const [column, row] = [clamp(x - 2, field.width - 1), clamp(y - 2, field.height - 1)]
    return field.data[row * field.width + column] - threshold
  }
  /** Each crossed edge of the grid leads to the next one of its ring: 2 (y · wide + x), + 1 for the edge downwards. */
  const next = new Map<number, number>()
  for (let y = 0; y < field.height + 3; y++) {
    for (let x = 0; x < wide - 1; x++) {
      const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)]
      const inside = corners.reduce((bits, v, i) => bits | (v > 0 ? 1 << i : 0), 0)
      if (inside === 0 || inside === 15) continue
      const edges = {
        top: 2 * (y * wide + x),
        right: 2 * (y * wide + x + 1) + 1,
        bottom: 2 * ((y + 1) * wide + x),
        left: 2 * (y * wide + x) + 1
      }
      const joined = corners[0] + corners[1] + corners[2] + corners[3] > 0
      for (const [from, to] of segments[inside + (joined ? 16 : 0)] ?? segments[inside])
        next.set(edges[from], edges[to])
    }
  }
  const position = (edge: number): Position => {
    const [x, y] = [(edge >> 1) % wide, Math.floor((edge >> 1) / wide)]
    const isDown = (edge & 1) === 1
    const [a, b] = [at(x, y), isDown ? at(x, y + 1) : at(x + 1, y)]
    const part = Number.isFinite(a) && Number.isFinite(b) ? a / (a - b) : 0.5
    const [column, row] = isDown ? [x, y + part] : [x + part, y]
    // Sample 2 is the field's first, half a cell from the origin.
    return [clamp(origin[0] + (column - 1.5) * cell[0], width), clamp(origin[1] + (row - 1.5) * cell[1], height)]
  }
  const rings: Ring[] = []
  for (const start of [...next.keys()]) {
    const ring: Position[] = []
    for (let edge = start; next.has(edge); ) {
      const p = position(edge)
      const last = ring.at(-1)
      if (last?.[0] !== p[0] || last[1] !== p[1]) ring.push(p)
      const following = next.get(edge)!
      next.delete(edge)
      edge = following
    }
    const [first, last] = [ring[0], ring.at(-1)]
    if (ring.length > 3 || (ring.length === 3 && `${first}` !== `${last}`))
      rings.push(`${first}` === `${last}` ? ring : [...ring, first])
  }
  return withHoles(rings)
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

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value))

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
