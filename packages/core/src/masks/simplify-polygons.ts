import type { MultiPolygon, Position, Ring } from './polygons.js'

/**
 * Douglas–Peucker: removes corners while none is further than `tolerance` pixels from the simplified line. A ring that
 * collapses to a line is removed; an outline takes its holes with it. Simplified rings may touch each other.
 */
export const simplifyPolygons = (polygons: MultiPolygon, tolerance: number): MultiPolygon =>
  polygons
    .map(rings => rings.map(ring => simplifyRing(ring, tolerance)))
    .filter(([outline]) => outline.length >= 4)
    .map(rings => rings.filter(ring => ring.length >= 4))

function simplifyRing(ring: Ring, tolerance: number): Ring {
  // A closed ring has no ends: fix its first corner and the one furthest from it.
  const far = furthest(ring, p => Math.hypot(p[0] - ring[0][0], p[1] - ring[0][1]), [0, ring.length - 1]).at
  const keep = new Uint8Array(ring.length)
  keep[0] = keep[far] = keep[ring.length - 1] = 1
  const spans: [number, number][] = [
    [0, far],
    [far, ring.length - 1]
  ]
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [a, b] = [ring[span[0]], ring[span[1]]]
    const { at, distance } = furthest(ring, p => segmentDistance(p, a, b), span)
    if (distance <= tolerance) continue
    keep[at] = 1
    spans.push([span[0], at], [at, span[1]])
  }
  return ring.filter((_, i) => keep[i])
}

/** The corner strictly between two others with the largest distance. */
function furthest(
  ring: Ring,
  measure: (p: Position) => number,
  [from, to]: readonly [number, number]
): { at: number; distance: number } {
  let [at, distance] = [from, -1]
  for (let i = from + 1; i < to; i++) {
    const d = measure(ring[i])
    if (d > distance) [at, distance] = [i, d]
  }
  return { at, distance }
}

/** Distance from a position to the segment between two corners. */
export function segmentDistance([x, y]: Position, [ax, ay]: Position, [bx, by]: Position): number {
  const [dx, dy] = [bx - ax, by - ay]
  const length = dx * dx + dy * dy
  const t = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0
  return Math.hypot(x - ax - t * dx, y - ay - t * dy)
}
