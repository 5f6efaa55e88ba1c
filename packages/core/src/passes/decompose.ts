import { toposort, type Graph } from '../ir/graph.js'
import type { Value } from '../ir/value.js'
import { withInputs } from '../ops/build.js'
import { rewrite } from './rewrite.js'

/**
 * Decomposes every composite that `keeps` does not keep, recursively. If nothing is kept, only primitives remain.
 */
export const decompose = (g: Graph, keeps: (node: Value) => boolean): Graph => rewrite(g, value => expand(value, keeps))

function expand(value: Value, keeps: (node: Value) => boolean): Value {
  if (!value.composite || keeps(value)) return value
  const body = value.composite.decompose(value.inputs, value.attrs)
  const done = new Map<Value, Value>(value.inputs.map(v => [v, v]))
  for (const inner of toposort([body], value.inputs))
    done.set(
      inner,
      expand(
        withInputs(
          inner,
          inner.inputs.map(v => done.get(v)!)
        ),
        keeps
      )
    )
  return done.get(body)!
}
