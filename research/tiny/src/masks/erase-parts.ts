import type { Bitmap } from '@sam/core'
import { areaOf, boundsOf } from '@sam/train/toolkit'
import type { Rng } from '@sam/rng'

/** Fraction of a mask that must lie inside another to count as a part of it: annotated borders vary. */
const inside = 0.9
/** Largest area of a part, relative to its object. */
const largest = 0.5
/** Smallest remaining area, relative to the object. */
const least = 1 / 3
/** Largest change of the object's box, relative to its longer side: limbs and rims belong to its shape. */
const slack = 1 / 32

/**
 * Erases parts of an object from its mask, each with the given probability. A phrase names the object's own colour,
 * but its crop also shows what is on it: `a green triangle` may have a blue disc in its middle. A model trained on
 * unmodified crops segments the green area alone.
 */
export function eraseParts(
  rng: Rng,
  object: Bitmap,
  { others, probability }: { readonly others: readonly Bitmap[]; readonly probability: number }
): Bitmap {
  if (!probability) return object
  const area = areaOf(object.data)
  let erased = object
  for (const other of others) {
    if (!rng.chance(probability)) continue
    const own = areaOf(other.data)
    if (own > largest * area || areaOf(other.data, object.data) < inside * own) continue
    const rest = { ...object, data: erased.data.map((v, i) => (other.data[i] ? 0 : v)) }
    if (areaOf(rest.data) >= least * area && reachesAsFar(rest, object)) erased = rest
  }
  return erased
}

function reachesAsFar(rest: Bitmap, object: Bitmap): boolean {
  const [a, b] = [boundsOf(rest), boundsOf(object)]
  if (!a || !b) return false
  const most = slack * Math.max(b[2] - b[0] + 1, b[3] - b[1] + 1)
  return a.every((edge, k) => Math.abs(edge - b[k]) <= most)
}
