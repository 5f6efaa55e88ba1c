import { graph, toposort, type Graph } from '../ir/graph.js'
import { input, nameOf, type Value } from '../ir/value.js'
import { withInputs } from '../ops/build.js'

/**
 * Puts values in the place of leaves: how graphs are joined (one's output as the other's input), and how params become
 * inputs. Shapes are worked out anew. `replace` sees each input and param, and gives what stands there instead, or
 * undefined to leave it.
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
 * The same graph with its params (those that a test of their name picks) as inputs, to be fed with what changes from
 * run to run: this is how a graph trains. An output named like an input is that input's next value, which the caller
 * feeds to the next run; it need never leave the device.
 */
export const feedParams = (g: Graph, picks: (name: string) => boolean = () => true): Graph =>
  substitute(g, v => (v.op === 'param' && picks(nameOf(v)!) ? input(nameOf(v)!, v.shape, v.dtype) : undefined))
