import type { Runs } from '@sam/core/model'
import type { Position, Stroke } from '../document/project.js'

interface Size {
  readonly width: number
  readonly height: number
}

/**
 * The pixels that a stroke covers, as `Mask.runs`: those whose centres lie within the radius of its line. Computed row
 * by row, so the time depends on the length of the outline and not on the area.
 */
export function strokeRuns({ line, radius }: Pick<Stroke, 'line' | 'radius'>, { width, height }: Size): Runs {
  /** Start and end of the intervals in each row. */
  const rows = new Map<number, number[]>()
  line.forEach((end, i) => {
    const start = line[Math.max(0, i - 1)]
    const first = Math.max(0, Math.ceil(Math.min(start[1], end[1]) - radius - 0.5))
    const last = Math.min(height - 1, Math.floor(Math.max(start[1], end[1]) + radius - 0.5))
    for (let y = first; y <= last; y++) {
      const [from, to] = crossing(y + 0.5, [start, end], radius)
      // The pixels whose centres, x + 0.5, lie from `from` to `to`.
      const [x0, x1] = [Math.max(0, Math.ceil(from - 0.5)), Math.min(width, Math.floor(to - 0.5) + 1)]
      if (x0 >= x1) continue
      const row = rows.get(y)
      if (row) row.push(x0, x1)
      else rows.set(y, [x0, x1])
    }
  })
  const runs: number[] = []
  for (const y of [...rows.keys()].sort((a, b) => a - b)) {
    const row = rows.get(y)!
    const intervals = Array.from({ length: row.length / 2 }, (_, i) => [row[2 * i], row[2 * i + 1]] as const)
    intervals.sort((a, b) => a[0] - b[0])
    let [from, to] = intervals[0]
    for (const [start, end] of intervals) {
      if (start > to) {
        runs.push(y, from, to)
        ;[from, to] = [start, end]
      } else to = Math.max(to, end)
    }
    runs.push(y, from, to)
  }
  return Int32Array.from(runs)
}

/** The part of the horizontal line at `y` within the radius of a segment: from, to; from > to if there is none. */
function crossing(y: number, [a, b]: readonly [Position, Position], radius: number): readonly [number, number] {
  let [from, to] = [Infinity, -Infinity]
  const add = (x0: number, x1: number): void => {
    from = Math.min(from, x0)
    to = Math.max(to, x1)
  }
  for (const [x, cy] of [a, b]) {
    const half = Math.sqrt(radius ** 2 - (y - cy) ** 2)
    if (half >= 0) add(x - half, x + half)
  }
  // The rectangle between the two discs is convex: its ends are on its edges.
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
  const length = Math.hypot(dx, dy)
  if (length > 0) {
    const [nx, ny] = [(-dy / length) * radius, (dx / length) * radius]
    const corners: readonly Position[] = [
      [a[0] + nx, a[1] + ny],
      [b[0] + nx, b[1] + ny],
      [b[0] - nx, b[1] - ny],
      [a[0] - nx, a[1] - ny]
    ]
    corners.forEach(([x0, y0], i) => {
      const [x1, y1] = corners[(i + 1) % 4]
      if (y0 === y1 || y < Math.min(y0, y1) || y > Math.max(y0, y1)) return
      const x = x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)
      add(x, x)
    })
  }
  return [from, to]
}
