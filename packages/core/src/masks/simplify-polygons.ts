import type { MultiPolygon, Position } from './polygons.js'

/**
 * Douglas–Peucker: removes corners while none is further than `tolerance` pixels from the simplified line. A ring that
 * collapses to a line is removed; an outline takes its holes with it. Simplified rings may touch each other.
 */
export const simplifyPolygons = (polygons: MultiPolygon, tolerance: number): MultiPolygon =>
  polygons
    .map(rings => rings.map(ring => simplifyLine(ring, tolerance)))
    .filter(([outline]) => outline.length >= 4)
    .map(rings => rings.filter(ring => ring.length >= 4))

/**
 * Douglas–Peucker for one line. Its ends are kept; of a closed line, its first corner and the corner furthest from it.
 */
export function simplifyLine(line: readonly Position[], tolerance: number): readonly Position[] {
  const last = line.length - 1
  const keep = new Uint8Array(line.length)
  keep[0] = keep[last] = 1
  const spans: [number, number][] = [[0, last]]
  if (line[0][0] === line[last][0] && line[0][1] === line[last][1]) {
    const far = furthest(line, p => Math.hypot(p[0] - line[0][0], p[1] - line[0][1]), [0, last]).at
    keep[far] = 1
    spans.splice(0, 1, [0, far], [far, last])
  }
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [a, b] = [line[span[0]], line[span[1]]]
    const { at, distance } = furthest(line, p => segmentDistance(p, a, b), span)
    if (distance <= tolerance) continue
    keep[at] = 1
    spans.push([span[0], at], [at, span[1]])
  }
  return line.filter((_, i) => keep[i])
}

/** The corner strictly between two others with the largest distance. */
function furthest(
  line: readonly Position[],
  measure: (p: Position) => number,
  [from, to]: readonly [number, number]
): { at: number; distance: number } {
  let [at, distance] = [from, -1]
  for (let i = from + 1; i < to; i++) {
    const d = measure(line[i])
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
