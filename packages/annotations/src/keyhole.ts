import type { Position, Ring } from '@sam/core/model'

/**
 * Several rings as one open ring, for formats without holes: it goes around each ring, from one to the next along a
 * cut, and back along the same cuts. The cuts have no width, so filling it by the even-odd or the non-zero rule gives
 * the pixels of the rings: of outlines, and of outlines with holes.
 */
export function keyhole(rings: readonly Ring[]): readonly Position[] {
  if (rings.length === 1) return openRing(rings[0])
  const back = rings
    .slice(0, -1)
    .map(([start]) => start)
    .reverse()
  // The last position would repeat the first.
  return [...rings.flat(), ...back.slice(0, -1)]
}

/** A ring without the last position, which repeats the first. */
export const openRing = (ring: Ring): readonly Position[] => ring.slice(0, -1)
