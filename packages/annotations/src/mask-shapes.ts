import { Mask, SamError, type MultiPolygon } from '@sam/core'
import { shown, type Refuse } from '@sam/core/graph'
import { shiftRuns, type Position, type Ring, type Runs } from '@sam/core/model'
import { edgeRowLimit } from './limits.js'

interface Size {
  readonly width: number
  readonly height: number
}

/** Adds the pixels `start` … `end` (exclusive), as indices row by row. */
export type AddPixels = (start: number, end: number) => void

/**
 * A mask of pixels that `visit` adds in order: indices in a box of this width, whose corner is at `left`, `top` of the
 * image. Pixels outside the image are left out.
 */
export function maskOfPixels(
  size: Size,
  box: { readonly left: number; readonly top: number; readonly width: number },
  visit: (add: AddPixels) => void
): Mask {
  const runs: number[] = []
  const add = (y: number, from: number, to: number): void => {
    const [start, end] = [Math.max(0, from), Math.min(size.width, to)]
    if (y < 0 || y >= size.height || start >= end) return
    const last = runs.length - 1
    if (last > 0 && runs[last - 2] === y && runs[last] === start) runs[last] = end
    else runs.push(y, start, end)
  }
  visit((start, end) => {
    // Rows above and below the image are not visited one by one.
    const first = Math.max(start, -box.top * box.width)
    const stop = Math.min(end, (size.height - box.top) * box.width)
    for (let at = first; at < stop; ) {
      const row = Math.floor(at / box.width)
      const next = Math.min(stop, (row + 1) * box.width)
      add(box.top + row, box.left + at - row * box.width, box.left + next - row * box.width)
      at = next
    }
  })
  return maskOfRuns(size, Int32Array.from(runs))
}

const maskOfRuns = ({ width, height }: Size, inside: Runs): Mask => new Mask({ width, height, inside })

/** The runs of a mask as pixel indices in its bounding box, row by row. */
export function visitBoxPixels({ runs, boxXyxy: [left, top, right] }: Mask, add: AddPixels): void {
  const width = right - left
  for (let i = 0; i < runs.length; i += 3) {
    const row = (runs[i] - top) * width - left
    add(row + runs[i + 1], row + runs[i + 2])
  }
}

/**
 * A mask of polygons: the pixels whose centres they cover, by the even-odd rule over the rings of each polygon. Throws
 * where positions are no finite numbers, a ring has fewer than three, or no pixel is inside.
 */
export function maskOfPolygons(polygons: MultiPolygon, size: Size, fail: Refuse): Mask {
  const positions = polygons.flat().flatMap(ring => {
    if (ring.length < 3) fail(`a polygon must have at least 3 positions, found ${ring.length}`)
    return ring
  })
  const bounds = (axis: 0 | 1, side: number): [from: number, to: number] => {
    let [from, to] = [Infinity, -Infinity]
    for (const { [axis]: value } of positions) {
      from = Math.min(from, value)
      to = Math.max(to, value)
    }
    return [Math.max(0, Math.floor(from)), Math.min(side, Math.ceil(to))]
  }
  const [[left, right], [top, bottom]] = [bounds(0, size.width), bounds(1, size.height)]
  if (!(left < right && top < bottom)) return fail('a mask must have pixels inside its image, found none')
  if (positions.length * (bottom - top) > edgeRowLimit && edgeRows(polygons, size) > edgeRowLimit)
    fail(`the edges of a polygon may cross ${edgeRowLimit} rows together, found more; simplify it`)
  // Only the bounding box is filled: images are large, and objects are many.
  const box = { width: right - left, height: bottom - top }
  const moved = polygons.map(rings => rings.map(ring => ring.map(([x, y]) => [x - left, y - top] as const)))
  return checkInside(maskOfRuns(size, shiftRuns(Mask.fromPolygons(moved, box).runs, [left, top])), fail)
}

function edgeRows(polygons: MultiPolygon, { height }: Size): number {
  const clip = (y: number): number => Math.min(height, Math.max(0, y))
  let rows = 0
  for (const ring of polygons.flat())
    ring.forEach(([, y], i) => {
      rows += Math.abs(clip(y) - clip(ring[(i || ring.length) - 1][1])) + 1
    })
  return rows
}

/** The mask. Throws where it is empty. */
export function checkInside(mask: Mask, fail: Refuse): Mask {
  return mask.area ? mask : fail('a mask must have pixels inside its image, found none')
}

/** Runs a function of core, and throws its `SamError` as one of this file. */
export function inFile<T>(fail: Refuse, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (SamError.is(error)) return fail(error.message, error)
    throw error
  }
}

/** A ring of an untrusted file from numbers x, y, x, y … */
export function ringOfNumbers(values: unknown, fail: Refuse): Ring {
  if (!Array.isArray(values) || values.length % 2)
    return fail(`a polygon must be a list of x, y, x, y …, found ${shown(values)}`)
  return Array.from({ length: values.length / 2 }, (_, i) => readPosition(values.slice(2 * i, 2 * i + 2), fail))
}

/** A ring of an untrusted file from positions [x, y]. */
export function ringOfPositions(values: unknown, fail: Refuse): Ring {
  if (!Array.isArray(values)) return fail(`a polygon must be a list of [x, y], found ${shown(values)}`)
  return values.map((value: unknown) => readPosition(value, fail))
}

function readPosition(value: unknown, fail: Refuse): Position {
  const [x, y] = Array.isArray(value) ? (value as unknown[]) : []
  if (Number.isFinite(x) && Number.isFinite(y)) return [x as number, y as number]
  return fail(`positions must be two finite numbers, found ${shown(x)}, ${shown(y)}`)
}
