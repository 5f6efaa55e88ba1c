import type { Runs } from '@sam/core/model'
import type { Position, Stroke } from '../document/project.js'

interface Size {
  readonly width: number
  readonly height: number
}

/**
 * The pixels that a stroke covers, as `Mask.runs`: those whose centres lie within the radius of its line. Computed row
 * by row, so the time depends on the length of the line times the radius, and not on the size of the picture.
 */
export function strokeRuns({ line, radius }: Pick<Stroke, 'line' | 'radius'>, { width, height }: Size): Runs {
  /** Start and end of the intervals in each row, one after another. */
  const rows: (number[] | undefined)[] = []
  let [top, bottom] = [height, -1]
  for (let i = line.length > 1 ? 1 : 0; i < line.length; i++) {
    const [a, b] = [line[Math.max(0, i - 1)], line[i]]
    const first = Math.max(0, Math.ceil(Math.min(a[1], b[1]) - radius - 0.5))
    const last = Math.min(height - 1, Math.floor(Math.max(a[1], b[1]) + radius - 0.5))
    const crossing = capsule(a, b, radius)
    for (let y = first; y <= last; y++) {
      crossing(y + 0.5)
      // The pixels whose centres, x + 0.5, lie from `from` to `to`.
      const x0 = Math.max(0, Math.ceil(crossed.from - 0.5))
      const x1 = Math.min(width, Math.floor(crossed.to - 0.5) + 1)
      if (x0 < x1) (rows[y] ??= []).push(x0, x1)
    }
    ;[top, bottom] = [Math.min(top, first), Math.max(bottom, last)]
  }
  const runs: number[] = []
  for (let y = top; y <= bottom; y++) {
    const row = rows[y]
    if (!row) continue
    const order = Array.from({ length: row.length / 2 }, (_, i) => 2 * i).sort((i, k) => row[i] - row[k])
    let [from, to] = [row[order[0]], row[order[0] + 1]]
    for (const i of order) {
      if (row[i] > to) {
        runs.push(y, from, to)
        ;[from, to] = [row[i], row[i + 1]]
      } else to = Math.max(to, row[i + 1])
    }
    runs.push(y, from, to)
  }
  return Int32Array.from(runs)
}

/** The last result of a {@link capsule}; `from` exceeds `to` if the line does not cross it. Not allocated per row. */
const crossed = { from: 0, to: 0 }

/** Sets {@link crossed} to the part of the horizontal line at y that lies within the radius of a segment. */
function capsule([ax, ay]: Position, [bx, by]: Position, radius: number): (y: number) => void {
  const length = Math.hypot(bx - ax, by - ay)
  const [ux, uy] = length ? [(bx - ax) / length, (by - ay) / length] : [1, 0]
  const add = (from: number, to: number): void => {
    if (from > to) return
    crossed.from = Math.min(crossed.from, from)
    crossed.to = Math.max(crossed.to, to)
  }
  return y => {
    ;[crossed.from, crossed.to] = [Infinity, -Infinity]
    const [fromA, fromB] = [y - ay, y - by]
    if (Math.abs(fromA) <= radius) {
      const half = Math.sqrt(radius * radius - fromA * fromA)
      add(ax - half, ax + half)
    }
    if (Math.abs(fromB) <= radius) {
      const half = Math.sqrt(radius * radius - fromB * fromB)
      add(bx - half, bx + half)
    }
    // Between the discs, a rectangle: within the radius of the line, and from one end to the other along it.
    const across = uy ? radius / Math.abs(uy) : Math.abs(fromA) <= radius ? Infinity : -1
    const middle = uy ? (fromA * ux) / uy : 0
    const [start, end] = ux
      ? [-fromA * (uy / ux), (length - fromA * uy) / ux]
      : fromA * uy >= 0 && fromA * uy <= length
        ? [-Infinity, Infinity]
        : [1, 0]
    add(ax + Math.max(middle - across, ux < 0 ? end : start), ax + Math.min(middle + across, ux < 0 ? start : end))
  }
}
