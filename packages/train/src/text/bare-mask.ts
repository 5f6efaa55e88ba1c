import type { Plane } from '../prompts/plane.js'
import type { Random } from '../random.js'

/** A mask is inside another where so much of it is: borders that two people draw differ. */
const inside = 0.9
/** What lies on a thing covers at most so much of it; more is most of the thing itself. */
const largest = 0.5
/** At least so much of a thing is left to tell what it is. */
const left = 1 / 3

/**
 * A thing without some of what lies on it: each of the other masks that is inside it goes by chance. A phrase names what a thing is of, a crop shows what is on it besides: `a green
 * triangle` for one with a blue disc in its middle. A model that only ever saw whole crops takes the green alone for what it was asked.
 */
export function bareMask(draw: Random, thing: Plane, { others, probability }: { readonly others: readonly Plane[]; readonly probability: number }): Plane {
  const area = count(thing.data, () => true)
  const data = thing.data.slice()
  for (const other of others) {
    const own = count(other.data, () => true)
    if (own > largest * area || !draw.chance(probability) || count(other.data, i => thing.data[i] !== 0) < inside * own) continue
    for (let i = 0; i < data.length; i++) if (other.data[i]) data[i] = 0
  }
  return count(data, () => true) >= left * area ? { ...thing, data } : thing
}

function count(data: Uint8Array, test: (i: number) => boolean): number {
  let n = 0
  for (let i = 0; i < data.length; i++) if (data[i] && test(i)) n++
  return n
}
