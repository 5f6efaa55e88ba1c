import { toposort, type Graph } from '../ir/graph.js'
import type { Value } from '../ir/value.js'
import { withInputs } from '../ops/build.js'

/**
 * The bottom-up traversal that every pass uses. `visit` is called once per value, with its inputs already rewritten,
 * and returns the replacement. Declared inputs are kept.
 */
export function rewrite(g: Graph, visit: (value: Value) => Value): Graph {
  const done = new Map<Value, Value>()
  for (const value of toposort(Object.values(g.outputs)))
    done.set(
      value,
      visit(
        withInputs(
          value,
          value.inputs.map(v => done.get(v)!)
        )
      )
    )
  return { ...g, outputs: Object.fromEntries(Object.entries(g.outputs).map(([name, v]) => [name, done.get(v)!])) }
}
