import { paramsOf, type Graph } from '../ir/graph.js'
import { nameOf, type Value } from '../ir/value.js'
import { decompose } from '../passes/decompose.js'
import { simplify } from '../passes/simplify.js'
import { stage } from '../passes/stage.js'
import { match } from '../weights/match.js'
import type { WeightSource } from '../weights/source.js'

/**
 * What a backend lowers: `setup` runs once per compile, `run` every time, with the outputs of `setup` as further inputs.
 */
export interface Prepared {
  readonly setup: Graph
  readonly run: Graph
}

/**
 * The steps every compile begins with: decompose what is not kept, simplify, split off what depends on weights alone, and
 * check that the weights fit.
 */
export function prepare(g: Graph, keeps: (node: Value) => boolean, weights: WeightSource): Prepared {
  match(
    paramsOf(g).map(p => ({ name: nameOf(p)!, shape: p.shape })),
    weights,
    { allowUnexpected: true }
  )
  const { early, late } = stage(simplify(decompose(g, keeps)), [], 'setup')
  return { setup: early, run: late }
}
