import { graph, toposort, type Graph } from '../ir/graph.js'
import { input, nameOf, type Value } from '../ir/value.js'
import { withInputs } from '../ops/build.js'

/**
 * Replaces leaves by values: to join graphs (one's output as the other's input), or to turn params into inputs. Shapes
 * are inferred again. `replace` is called for each input and param and returns its replacement, or undefined to keep
 * it.
 */
export function substitute(g: Graph, replace: (leaf: Value) => Value | undefined): Graph {
  const done = new Map<Value, Value>()
  for (const value of toposort([...g.inputs, ...Object.values(g.outputs)])) {
    const leaf = nameOf(value) !== undefined
    done.set(
      value,
      leaf
        ? (replace(value) ?? value)
        : withInputs(
            value,
            value.inputs.map(v => done.get(v)!)
          )
    )
  }
  const outputs = Object.fromEntries(Object.entries(g.outputs).map(([name, v]) => [name, done.get(v)!]))
  return graph(
    g.name,
    outputs,
    g.inputs.map(v => done.get(v)!).filter(v => v.op === 'input')
  )
}

/**
 * The graph with its params (those whose names `picks` accepts) as inputs, so that they can change between runs, as in
 * training. An output with the name of an input is that input's next value: feed it to the next run; it can stay on the
 * device.
 */
export const feedParams = (g: Graph, picks: (name: string) => boolean = () => true): Graph =>
  substitute(g, v => (v.op === 'param' && picks(nameOf(v)!) ? input(nameOf(v)!, v.shape, v.dtype) : undefined))
