import type { Size } from '../image/resize.js'
import type { Box } from '../masks/box.js'

/** How a picture is cut into tiles. All in pixels. */
export interface TileLayout {
  /** Side of a tile. */
  readonly size: number
  /** What neighbouring tiles share at least. */
  readonly overlap: number
  /** Where the grid of tiles begins: the first tile ends at this distance less. For tests of the cut. */
  readonly offset: readonly [x: number, y: number]
}

/**
 * Overlapping tiles that cover a picture, row by row. All have the same size, so that the model sees every object at
 * the same scale: the last ones of a row and column are moved inwards. A picture smaller than a tile is one tile.
 */
export function tileBoxes({ width, height }: Size, { size, overlap, offset }: TileLayout): Box[] {
  const starts = (length: number, begin: number): number[] => {
    const last = Math.max(0, length - size)
    const all: number[] = []
    for (let at = -begin; ; at += size - overlap) {
      all.push(Math.max(0, Math.min(at, last)))
      if (at >= last) return [...new Set(all)]
    }
  }
  return starts(height, offset[1]).flatMap(y =>
    starts(width, offset[0]).map((x): Box => [x, y, Math.min(x + size, width), Math.min(y + size, height)])
  )
}

/**
 * The points of a grid over the whole picture that lie in a tile, as fractions of the tile: the same places however the
 * picture is cut.
 */
export function gridInTile([x0, y0, x1, y1]: Box, spacing: number): [x: number, y: number][] {
  const places = (from: number, to: number): number[] => {
    const first = Math.ceil(from / spacing - 0.5)
    const found: number[] = []
    for (let k = first; (k + 0.5) * spacing < to; k++) found.push(((k + 0.5) * spacing - from) / (to - from))
    return found
  }
  return places(y0, y1).flatMap(y => places(x0, x1).map((x): [number, number] => [x, y]))
}
