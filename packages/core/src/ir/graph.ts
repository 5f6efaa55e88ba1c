import { GraphError } from '../errors.js'
import { sameShape } from '../tensor/shape.js'
import { describe, nameOf, type Value } from './value.js'

/** A function from named inputs to named outputs. Everything else (order, params) is derived by traversal. */
export interface Graph {
  readonly name: string
  /** Every declared input, even if no output depends on it, so that the signature is stable. */
  readonly inputs: readonly Value[]
  readonly outputs: Readonly<Record<string, Value>>
}

/**
 * A graph over these outputs, with the inputs they reach. Throws `GraphError` when two leaves share a name but differ
 * in shape or type.
 */
export function graph(name: string, outputs: Readonly<Record<string, Value>>, declared: readonly Value[] = []): Graph {
  const inputs = new Map<string, Value>()
  const params = new Map<string, Value>()
  for (const value of [...declared, ...toposort(Object.values(outputs))]) {
    const leaf = nameOf(value)
    if (leaf === undefined) continue
    const table = value.op === 'input' ? inputs : params
    const known = table.get(leaf)
    if (known && (!sameShape(known.shape, value.shape) || known.dtype !== value.dtype)) {
      throw new GraphError(
        `${name}: one ${value.op} must have one shape and type, found ${describe(known)} and ${describe(value)}`
      )
    }
    if (!known) table.set(leaf, value)
  }
  return Object.freeze({ name, inputs: Object.freeze([...inputs.values()]), outputs: Object.freeze({ ...outputs }) })
}

/**
 * All values that the roots depend on, each after its inputs; the traversal stops at `known`.
 * Iterative: a decomposed ViT-H is thousands of nodes deep.
 */
export function toposort(roots: readonly Value[], known: Iterable<Value> = []): Value[] {
  const order: Value[] = []
  const seen = new Set<Value>(known)
  const stack: { value: Value; next: number }[] = []
  for (const root of roots) {
    if (seen.has(root)) continue
    seen.add(root)
    stack.push({ value: root, next: 0 })
    while (stack.length) {
      const top = stack[stack.length - 1]
      const child = top.value.inputs[top.next++]
      if (child === undefined) {
        order.push(top.value)
        stack.pop()
      } else if (!seen.has(child)) {
        seen.add(child)
        stack.push({ value: child, next: 0 })
      }
    }
  }
  return order
}

/** The values of a graph in topological order. */
export const valuesOf = (g: Graph): Value[] => toposort(Object.values(g.outputs))

/** The params of a graph, one per name, in order of first use. */
export function paramsOf(g: Graph): Value[] {
  const byName = new Map<string, Value>()
  for (const value of valuesOf(g))
    if (value.op === 'param' && !byName.has(nameOf(value)!)) byName.set(nameOf(value)!, value)
  return [...byName.values()]
}

/** How many values use each value; an output counts as one use. */
export function useCounts(g: Graph): Map<Value, number> {
  const counts = new Map<Value, number>()
  const count = (v: Value): void => {
    counts.set(v, (counts.get(v) ?? 0) + 1)
  }
  for (const value of valuesOf(g)) value.inputs.forEach(count)
  Object.values(g.outputs).forEach(count)
  return counts
}
