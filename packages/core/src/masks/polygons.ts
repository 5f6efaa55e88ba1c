import { labelRuns } from './components.js'
import type { Runs } from './runs.js'

/** x, y in pixels of the photo; pixel (0, 0) covers the square from (0, 0) to (1, 1). */
export type Position = readonly [number, number]
/** A closed ring: the last position repeats the first. */
export type Ring = readonly Position[]
/** One outline, followed by its holes. */
export type Polygon = readonly Ring[]
/** The `coordinates` of a GeoJSON MultiPolygon. */
export type MultiPolygon = readonly Polygon[]

/**
 * The exact outline of a mask: the edges between inside and outside pixels, one polygon per 4-connected component.
 * Rings are simple (none touches itself), have a corner exactly at each turn, and keep the inside on their right as
 * seen on the screen: outlines have positive shoelace area, holes negative. `rasterize` restores the mask. The time
 * depends on the number of runs and not on the area.
 */
export function tracePolygons(runs: Runs): MultiPolygon {
  const { next, starts, crossings } = linkEdges(runs)
  const { labels, count } = labelRuns(runs)
  const polygons = Array.from({ length: count }, (): Ring[] => [])
  const walked = new Uint8Array(next.length)
  const columnOf = (edge: number): number => runs[3 * (edge >> 1) + 1 + (edge & 1)]
  /** The line at which an edge ends: left ones go up, right ones down. */
  const endOf = (edge: number): number => runs[3 * (edge >> 1)] + (edge & 1)

  for (const start of starts) {
    if (walked[start]) continue
    const polygon = polygons[labels[start >> 1]]
    const add = (path: readonly Position[]): void => {
      const ring = [...path, path[0]]
      if (signedArea(ring) > 0) polygon.unshift(ring)
      else polygon.push(ring)
    }
    // A corner visited twice splits the path into two rings.
    const path: Position[] = []
    const visited = new Map<string, number>()
    const turn = (x: number, y: number): void => {
      const key = `${x},${y}`
      if (crossings.has(key)) {
        const before = visited.get(key)
        if (before === undefined) visited.set(key, path.length)
        else {
          const loop = path.splice(before)
          for (const position of loop) visited.delete(`${position}`)
          add(loop)
        }
      }
      path.push([x, y])
    }
    let edge = start
    do {
      walked[edge] = 1
      const following = next[edge]
      const [from, to, y] = [columnOf(edge), columnOf(following), endOf(edge)]
      if (from !== to) {
        if (edge !== start) turn(from, y)
        turn(to, y)
      }
      edge = following
    } while (edge !== start)
    turn(columnOf(start), endOf(start))
    add(path)
  }
  return polygons
}

/** The vertical edges of a mask: of run i the left one is 2 i and leads up, the right one is 2 i + 1 and leads down. */
interface LinkedEdges {
  /** The edge that follows on each: at the same column or, after a turn, along a horizontal edge. */
  readonly next: Int32Array
  /** The edges before the upper edges of pixels, top to bottom and left to right. */
  readonly starts: readonly number[]
  /** The corners `x,y` at which two inside pixels touch that share no edge. */
  readonly crossings: ReadonlySet<string>
}

function linkEdges(runs: Runs): LinkedEdges {
  const next = new Int32Array((runs.length / 3) * 2)
  const starts: number[] = []
  const crossings = new Set<string>()
  const columnOf = (edge: number): number => runs[3 * (edge >> 1) + 1 + (edge & 1)]

  /** Links the edges at the line y: of the runs above it, from edge `a` to before `endA`, and below it. */
  const link = (y: number, [a, endA]: readonly number[], [b, endB]: readonly number[]): void => {
    let [isAbove, isBelow, other] = [false, false, -1]
    while (a < endA || b < endB) {
      const [columnA, columnB] = [a < endA ? columnOf(a) : Infinity, b < endB ? columnOf(b) : Infinity]
      const up = columnA <= columnB ? a++ : -1
      const down = columnB <= columnA ? b++ : -1
      // Two inside pixels that touch only at this corner are not connected here: stay with the current pixel.
      const edgeOf = (ofBelow: boolean): number => (down < 0 || (up >= 0 && !ofBelow) ? up : down)
      const wasEdge = isAbove !== isBelow
      if (wasEdge && isBelow) next[other] = edgeOf(true)
      else if (wasEdge) next[edgeOf(false)] = other
      if (wasEdge && up >= 0 && down >= 0) crossings.add(`${columnA},${y}`)
      if (up >= 0) isAbove = !isAbove
      if (down >= 0) isBelow = !isBelow
      if (isAbove !== isBelow) {
        other = edgeOf(isBelow)
        if (isBelow) starts.push(other)
      } else if (!wasEdge && isAbove) next[down] = up
      else if (!wasEdge) next[up] = down
    }
  }

  let [above, y] = [[0, 0] as readonly number[], -1]
  for (let i = 0; i < runs.length; ) {
    const first = i
    if (runs[i] !== y) {
      link(y, above, [0, 0])
      above = [0, 0]
      y = runs[i]
    }
    while (i < runs.length && runs[i] === y) i += 3
    const row = [(first / 3) * 2, (i / 3) * 2] as const
    link(y, above, row)
    above = row
    y++
  }
  link(y, above, [0, 0])
  return { next, starts, crossings }
}

/** The shoelace area of a closed ring: positive when it runs clockwise on the screen (y down). */
export function signedArea(ring: Ring): number {
  let twice = 0
  for (let i = 1; i < ring.length; i++) twice += ring[i - 1][0] * ring[i][1] - ring[i][0] * ring[i - 1][1]
  return twice / 2
}
