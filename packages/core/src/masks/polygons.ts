import type { Bitmap } from './bitmap.js'
import { labelRuns } from './components.js'

/** x, y in pixels of the photo; pixel (0, 0) covers the square from (0, 0) to (1, 1). */
export type Position = readonly [number, number]
/** A closed ring: the last position repeats the first. */
export type Ring = readonly Position[]
/** One outline, followed by its holes. */
export type Polygon = readonly Ring[]
/** The `coordinates` of a GeoJSON MultiPolygon. */
export type MultiPolygon = readonly Polygon[]

/**
 * The exact outline of a bitmap: the edges between inside and outside pixels, one polygon per 4-connected component.
 * Rings are simple (none touches itself), have a corner exactly at each turn, and keep the inside on their right as
 * seen on the screen: outlines have positive shoelace area, holes negative. `rasterize` restores the bitmap.
 */
export function tracePolygons(bitmap: Bitmap): MultiPolygon {
  const { width, height, data } = bitmap
  const inside = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] !== 0
  // Every ring runs right along the upper edge of some pixel, so marking these edges visits each ring once.
  const walked = new Uint8Array(width * height)
  const { runs, components } = labelRuns(bitmap)
  const polygons = Array.from({ length: components }, (): Ring[] => [])

  for (const { y, x0, x1, component } of runs) {
    for (let x = x0; x < x1; x++) {
      if (walked[y * width + x] || inside(x, y - 1)) continue
      for (const ring of traceRings([x, y], {
        inside,
        pass: (px, py) => {
          walked[py * width + px] = 1
        }
      })) {
        if (signedArea(ring) > 0) polygons[component].unshift(ring)
        else polygons[component].push(ring)
      }
    }
  }
  return polygons
}

interface Walk {
  readonly inside: (x: number, y: number) => boolean
  /** Called for each pixel whose upper edge is traversed. */
  readonly pass: (x: number, y: number) => void
}

// East, south, west, north: the step, and the pixels ahead to the right and left of the corner reached.
const headings = [
  { step: [1, 0], right: [0, 0], left: [0, -1] },
  { step: [0, 1], right: [-1, 0], left: [0, 0] },
  { step: [-1, 0], right: [-1, -1], left: [-1, 0] },
  { step: [0, -1], right: [0, -1], left: [-1, -1] }
] as const

/**
 * Follows pixel edges from the corner `start` eastward until it returns. A corner visited twice splits the path into
 * two rings.
 */
function traceRings(start: Position, { inside, pass }: Walk): Ring[] {
  const rings: Ring[] = []
  const path: Position[] = []
  const crossings = new Map<string, number>()
  let [[x, y], heading] = [start, 0]
  do {
    if (heading === 0) pass(x, y)
    const { step, right, left } = headings[heading]
    x += step[0]
    y += step[1]
    const isRight = inside(x + right[0], y + right[1])
    const isLeft = inside(x + left[0], y + left[1])
    if (isRight && !isLeft) continue
    // Two inside pixels that touch only at this corner are not connected here: stay with the current pixel.
    heading = (heading + (isRight ? 3 : 1)) % 4
    if (isLeft && !isRight) {
      const key = `${x},${y}`
      const before = crossings.get(key)
      if (before === undefined) {
        crossings.set(key, path.length)
      } else {
        const loop = path.splice(before)
        for (const [px, py] of loop) crossings.delete(`${px},${py}`)
        rings.push([...loop, loop[0]])
      }
    }
    path.push([x, y])
  } while (x !== start[0] || y !== start[1] || heading !== 0)
  rings.push([...path, path[0]])
  return rings
}

/** The shoelace area of a closed ring: positive when it runs clockwise on the screen (y down). */
export function signedArea(ring: Ring): number {
  let twice = 0
  for (let i = 1; i < ring.length; i++) twice += ring[i - 1][0] * ring[i][1] - ring[i][0] * ring[i - 1][1]
  return twice / 2
}
