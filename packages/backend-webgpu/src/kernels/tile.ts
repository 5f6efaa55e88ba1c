/** Rows and columns of a workgroup's tile: `threads` × `each` of both; `depth` of k at a time. */
export interface Tile {
  readonly threads: readonly [number, number]
  readonly each: readonly [number, number]
  readonly depth: number
}

export const tiles = {
  large: { threads: [8, 8], each: [8, 8], depth: 16 },
  medium: { threads: [8, 8], each: [4, 4], depth: 16 },
  small: { threads: [8, 8], each: [2, 2], depth: 16 }
} as const satisfies Record<string, Tile>

/**
 * Candidates for the large tile: devices differ in registers and workgroup memory. The first is the default without
 * tuning.
 */
export const largeTiles: readonly Tile[] = [
  tiles.large,
  { threads: [16, 8], each: [4, 8], depth: 16 },
  { threads: [16, 16], each: [4, 4], depth: 16 },
  tiles.medium
]

/** Small results need small tiles, to occupy the device. */
export function tileFor(
  { batch, rows, columns }: { batch: number; rows: number; columns: number },
  large: Tile = tiles.large
): Tile {
  const groups = (tile: Tile): number =>
    batch * Math.ceil(rows / (tile.threads[1] * tile.each[1])) * Math.ceil(columns / (tile.threads[0] * tile.each[0]))
  if (groups(large) >= 64 && rows >= 64) return large
  return groups(tiles.medium) >= 64 && rows >= 32 ? tiles.medium : tiles.small
}
