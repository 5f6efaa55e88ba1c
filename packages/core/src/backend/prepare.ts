import { paramsOf, type Graph } from '../ir/graph.js'
import { nameOf, type Value } from '../ir/value.js'
import { decompose } from '../passes/decompose.js'
import { simplify } from '../passes/simplify.js'
import { stage } from '../passes/stage.js'
import { match } from '../weights/match.js'
import type { WeightSource } from '../weights/source.js'

/**
 * The graphs that a backend lowers: `setup` runs once per compilation, `run` on every call, with the outputs of `setup`
 * as additional inputs.
 */
export interface PreparedGraphs {
  readonly setup: Graph
  readonly run: Graph
}

/**
 * The first steps of every compilation: decompose what is not kept, simplify, split off what depends on the weights
 * alone, and check the weights.
 */
export function prepare(g: Graph, keeps: (node: Value) => boolean, weights: WeightSource): PreparedGraphs {
  match(
    paramsOf(g).map(p => ({ name: nameOf(p)!, shape: p.shape })),
    weights,
    { allowUnexpected: true }
  )
  const { early, late } = stage(simplify(decompose(g, keeps)), [], 'setup')
  return { setup: early, run: late }
}
