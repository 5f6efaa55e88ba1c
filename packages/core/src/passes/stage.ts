import { GraphError } from '../errors.js'
import { graph, toposort, type Graph } from '../ir/graph.js'
import { input, nameOf, type Value } from '../ir/value.js'
import { withInputs } from '../ops/build.js'

/** A graph split in two: the outputs of `early` are inputs of `late`, under the same names. */
export interface Stages {
  readonly early: Graph
  readonly late: Graph
}

/**
 * Splits off what depends only on the named inputs, params and constants, so that it is computed once for many runs of
 * the rest. Without names, that is what depends on params alone, computed once per checkpoint (dense positional
 * encoding, relative-position tables); with the image embedding, what is computed once per image (the first layer's
 * projections of the image tokens).
 *
 * The split keeps stored values small: a broadcast is recomputed in `late`, and a bare param or constant is never
 * copied. Throws `GraphError` if a staged graph is staged again with the same prefix.
 */
export function stage(g: Graph, names: readonly string[], prefix = 'stage'): Stages {
  const order = toposort(Object.values(g.outputs))
  const [needsNamed, needsOthers] = [new Set<Value>(), new Set<Value>()]
  for (const value of order) {
    if (value.op === 'input') (names.includes(nameOf(value)!) ? needsNamed : needsOthers).add(value)
    if (value.inputs.some(v => needsNamed.has(v))) needsNamed.add(value)
    if (value.inputs.some(v => needsOthers.has(v))) needsOthers.add(value)
  }
  // With names, what depends on params alone stays in `late`, for a later call without names.
  const isEarly = (value: Value): boolean => !needsOthers.has(value) && (names.length === 0 || needsNamed.has(value))

  const taken = new Set(g.inputs.map(nameOf))
  const cut = new Map<Value, Value>()
  const late = new Map<Value, Value>()
  const lateOf = (value: Value): Value => {
    const done = late.get(value)
    if (done) return done
    const stays = !isEarly(value) || value.op === 'param' || value.op === 'constant' || value.op === 'broadcast'
    const result = stays ? withInputs(value, value.inputs.map(lateOf)) : cutAt(value)
    late.set(value, result)
    return result
  }
  const cutAt = (value: Value): Value => {
    const name = nameOf(value) ?? `${prefix}/${cut.size}`
    if (nameOf(value) === undefined && taken.has(name))
      throw new GraphError(`${g.name}: must not have an input ${name} yet; use another prefix than '${prefix}'`)
    const standIn = input(name, value.shape, value.dtype)
    cut.set(value, standIn)
    return standIn
  }

  for (const value of order) if (!isEarly(value)) lateOf(value)
  const outputs = Object.fromEntries(Object.entries(g.outputs).map(([name, v]) => [name, lateOf(v)]))
  const early = Object.fromEntries([...cut].map(([value, standIn]) => [nameOf(standIn)!, value]))
  return {
    early: graph(
      `${g.name}/early`,
      early,
      g.inputs.filter(v => names.includes(nameOf(v)!))
    ),
    late: graph(
      g.name,
      outputs,
      g.inputs.filter(v => !names.includes(nameOf(v)!))
    )
  }
}
