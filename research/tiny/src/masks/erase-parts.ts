import type { Bitmap } from '@sam/core'
import { areaOf, boundsOf } from '@sam/train/toolkit'
import type { Rng } from '@sam/rng'

/** Fraction of a mask that must lie inside another to count as a part of it: drawn borders differ. */
const inside = 0.9
/** Largest area of a part, relative to its object. */
const largest = 0.5
/** Smallest area that remains of the object … */
const least = 1 / 3
/** … and largest change of its box, relative to its longer side: limbs and rims belong to the object's shape. */
const slack = 1 / 32

/**
 * Erases parts of an object from its mask, each with the given probability. A phrase names the object's own colour, a
 * crop also shows what lies on it: `a green triangle` may have a blue disc in its middle. A model that has only seen
 * whole crops segments the green area alone.
 */
export function eraseParts(
  rng: Rng,
  thing: Bitmap,
  { others, probability }: { readonly others: readonly Bitmap[]; readonly probability: number }
): Bitmap {
  if (!probability) return thing
  const area = areaOf(thing.data)
  let bare = thing
  for (const other of others) {
    if (!rng.chance(probability)) continue
    const own = areaOf(other.data)
    if (own > largest * area || areaOf(other.data, thing.data) < inside * own) continue
    const rest = { ...thing, data: bare.data.map((v, i) => (other.data[i] ? 0 : v)) }
    if (areaOf(rest.data) >= least * area && reachesAsFar(rest, thing)) bare = rest
  }
  return bare
}

function reachesAsFar(rest: Bitmap, thing: Bitmap): boolean {
  const [a, b] = [boundsOf(rest), boundsOf(thing)]
  if (!a || !b) return false
  const most = slack * Math.max(b[2] - b[0] + 1, b[3] - b[1] + 1)
  return a.every((edge, k) => Math.abs(edge - b[k]) <= most)
}
