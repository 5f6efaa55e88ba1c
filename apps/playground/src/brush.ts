import type { Stroke } from './protocol.js'

interface Bitmap {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/**
 * Paints strokes over a bitmap, in order, into a new bitmap. Sets every pixel whose centre the round brush covers; an
 * erasing stroke clears it.
 */
export function paintStrokes({ width, height, data }: Bitmap, strokes: readonly Stroke[]): Bitmap {
  const painted = data.slice()
  for (const { line, radius, erase } of strokes) {
    line.forEach((end, i) => {
      const start = line[Math.max(0, i - 1)]
      const [x0, x1] = [Math.min(start[0], end[0]) - radius, Math.max(start[0], end[0]) + radius]
      const [y0, y1] = [Math.min(start[1], end[1]) - radius, Math.max(start[1], end[1]) + radius]
      for (let y = Math.max(0, Math.floor(y0)); y < Math.min(height, y1); y++) {
        for (let x = Math.max(0, Math.floor(x0)); x < Math.min(width, x1); x++) {
          if (distance([x + 0.5, y + 0.5], start, end) <= radius) painted[y * width + x] = erase ? 0 : 1
        }
      }
    })
  }
  return { width, height, data: painted }
}

type Position = readonly [number, number]

/** Distance from a position to a segment. */
function distance([x, y]: Position, [ax, ay]: Position, [bx, by]: Position): number {
  const [dx, dy] = [bx - ax, by - ay]
  const along = dx || dy ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy))) : 0
  return Math.hypot(x - ax - along * dx, y - ay - along * dy)
}
