import { areaOf, boundsOf, type Plane } from '@sam/train/toolkit'
import type { Rng } from '@sam/rng'

/** A mask is inside another where so much of it is: borders that two people draw differ. */
const inside = 0.9
/** What lies on a thing covers at most so much of it; more is most of the thing itself. */
const largest = 0.5
/** What is left of a thing is at least so much of it, to tell what it is … */
const least = 1 / 3
/**
 * … and its box is the thing's but for so much of its sides: what sticks out of a thing, or is its rim, is the thing's
 * own shape.
 */
const slack = 1 / 32

/**
 * A thing without some of what lies on it: each of the other masks that is inside it goes by chance. A phrase names
 * what a thing is of, a crop shows what is on it besides: `a green triangle` for one with a blue disc in its middle. A
 * model that only ever saw whole crops takes the green alone for what it was asked.
 */
export function eraseParts(
  rng: Rng,
  thing: Plane,
  { others, probability }: { readonly others: readonly Plane[]; readonly probability: number }
): Plane {
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

function reachesAsFar(rest: Plane, thing: Plane): boolean {
  const [a, b] = [boundsOf(rest), boundsOf(thing)]
  if (!a || !b) return false
  const most = slack * Math.max(b[2] - b[0] + 1, b[3] - b[1] + 1)
  return a.every((edge, k) => Math.abs(edge - b[k]) <= most)
}
