import { paramsOf, type Graph } from '../ir/graph.js'
import { nameOf, type Value } from '../ir/value.js'
import { decompose } from '../passes/decompose.js'
import { simplify } from '../passes/simplify.js'
import { stage } from '../passes/stage.js'
import { match } from '../weights/match.js'
import type { WeightSource } from '../weights/source.js'

/**
 * What a backend lowers: a graph to run once, and one to run every time, which takes the first one's outputs as further
 * inputs.
 */
export interface Prepared {
  readonly once: Graph
  readonly every: Graph
}

/**
 * The steps every compile begins with: open what is not kept, simplify, split off what depends on weights alone, and
 * check that the weights fit.
 */
export function prepare(g: Graph, keeps: (node: Value) => boolean, weights: WeightSource): Prepared {
  match(
    paramsOf(g).map(p => ({ name: nameOf(p)!, shape: p.shape })),
    weights,
    { allowUnexpected: true }
  )
  const { early, late } = stage(simplify(decompose(g, keeps)), [], 'once')
  return { once: early, every: late }
}
