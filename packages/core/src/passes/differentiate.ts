import { GraphError } from '../errors.js'
import { graph, paramsOf, toposort, type Graph } from '../ir/graph.js'
import { describe, nameOf, type Value } from '../ir/value.js'
import { add, concat, fill } from '../ops/build.js'
import { isPrimitive } from '../ops/primitives.js'
import { sizeOf } from '../tensor/shape.js'
import { decompose } from './decompose.js'
import { simplify } from './simplify.js'
import { vjp } from './vjp.js'

export interface DifferentiateOptions {
  /** Name of the output to differentiate: one number. */
  readonly loss: string
  /** Which params to differentiate by: their names, or a test of a name. */
  readonly wrt: readonly string[] | ((name: string) => boolean)
}

/**
 * Reverse-mode differentiation, graph to graph: the graph's outputs plus `grad/<param>` for each requested param.
 * A composite on a path from those params without a `vjp` of its own is decomposed; all others stay fused, so that the
 * forward computation exists only once. A param that the loss does not depend on has gradient zero.
 * Throws `GraphError` if there is no such output or param, or if the loss is not a scalar.
 */
export function differentiate(g: Graph, { loss, wrt }: DifferentiateOptions): Graph {
  const names = paramsOf(g).map(p => nameOf(p)!)
  const targets = typeof wrt === 'function' ? names.filter(wrt) : wrt
  const unknown = targets.filter(name => !names.includes(name))
  if (unknown.length)
    throw new GraphError(`${g.name}: to differentiate by ${unknown.join(', ')}, the graph must use them as params`)
  if (!g.outputs[loss])
    throw new GraphError(
      `${g.name}: the loss must be an output, found ${loss}; there are ${Object.keys(g.outputs).join(', ')}`
    )
  if (sizeOf(g.outputs[loss].shape) !== 1)
    throw new GraphError(`${g.name}: the loss must be one number, found ${describe(g.outputs[loss])}; sum it?`)

  const depends = dependence(new Set(targets))
  const decomposed = decompose(g, value => value.composite!.vjp !== undefined || !depends(value))
  const gradients = cotangents(decomposed.outputs[loss], depends)
  const params = new Map(paramsOf(g).map(p => [nameOf(p)!, p]))
  const added = targets.map(name => [`grad/${name}`, gradients.get(name) ?? fill(params.get(name)!.shape, 0)] as const)
  return simplify(graph(g.name, { ...decomposed.outputs, ...Object.fromEntries(added) }, g.inputs))
}

/**
 * Whether a value depends differentiably on one of these params. Memoised; queried in topological order, the recursion
 * stays shallow.
 */
function dependence(params: ReadonlySet<string>): (value: Value) => boolean {
  const known = new Map<Value, boolean>()
  const depends = (value: Value): boolean => {
    const answer =
      known.get(value) ??
      (value.op === 'param' ? params.has(nameOf(value)!) : value.op !== 'stopGradient' && value.inputs.some(depends))
    known.set(value, answer)
    return answer
  }
  return depends
}

/** Back-propagates from the loss, summing the cotangents of each value. Returns those of the params, by name. */
function cotangents(loss: Value, depends: (value: Value) => boolean): Map<string, Value> {
  const arrived = new Map<Value, Value[]>([[loss, [fill(loss.shape, 1)]]])
  const byName = new Map<string, Value>()
  const marked = toposort([loss]).filter(depends)
  for (const y of marked.reverse()) {
    const parts = arrived.get(y)
    if (!parts) continue
    const g = total(parts)
    const name = nameOf(y)
    if (name !== undefined) {
      // One checkpoint name may be used by several values.
      byName.set(name, byName.has(name) ? add(byName.get(name)!, g) : g)
      continue
    }
    for (const [i, cotangent] of rule(y)(g, y).entries()) {
      const x = y.inputs[i]
      if (!cotangent || !depends(x)) continue
      if (arrived.has(x)) arrived.get(x)!.push(cotangent)
      else arrived.set(x, [cotangent])
    }
  }
  return byName
}

/**
 * The sum of one value's cotangents. If slices cover the full value, their cotangents are concatenated instead of
 * padded.
 */
function total(parts: readonly Value[]): Value {
  const padded = parts.filter(v => v.op === 'pad' && v.attrs.value === 0)
  const axis = padded[0]?.shape.findIndex((d, i) => d !== padded[0].inputs[0].shape[i])
  const tiles = padded
    .map(v => ({ start: (v.attrs.before as readonly number[])[axis], tile: v.inputs[0] }))
    .sort((a, b) => a.start - b.start)
  let end = 0
  const meet = tiles.every(({ start, tile }) => {
    const meets = start === end && tile.shape.every((d, i) => i === axis || d === parts[0].shape[i])
    end += tile.shape[axis]
    return meets
  })
  if (!meet || end !== parts[0].shape[axis]) return parts.reduce(add)
  return [
    concat(
      tiles.map(({ tile }) => tile),
      axis
    ),
    ...parts.filter(v => !padded.includes(v))
  ].reduce(add)
}

function rule(y: Value): (g: Value, y: Value) => readonly (Value | null)[] {
  if (y.composite?.vjp) return y.composite.vjp
  if (isPrimitive(y.op)) return vjp[y.op]
  throw new GraphError(`${y.op} must be a primitive or a composite to have a gradient`)
}
