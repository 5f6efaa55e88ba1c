import { toposort, valuesOf, type Graph } from '../ir/graph.js'
import type { Value } from '../ir/value.js'
import { bytesPerElement } from '../tensor/dtype.js'
import { sizeOf } from '../tensor/shape.js'

/**
 * Floating-point operations of one node: two for each multiply-add of the contractions in it, found by opening it down
 * to `matmul`. Elementwise work is not counted, as papers do not: it is memory traffic. A convolution is counted as one
 * even where it opens into elementwise products, as a depthwise one does.
 */
export function flops(value: Value): number {
  if (value.op === 'conv2d') return 2 * sizeOf(value.shape) * sizeOf(value.inputs[1].shape.slice(1))
  if (value.op === 'matmul') return 2 * sizeOf(value.shape) * value.inputs[0].shape.at(-1)!
  return value.composite ? bodyOf(value).reduce((sum, inner) => sum + flops(inner), 0) : 0
}

/** The nodes of a composite node's decomposition, one level down, in topological order. */
export const bodyOf = ({ composite, inputs, attrs }: Value): Value[] =>
  composite ? toposort([composite.decompose(inputs, attrs)], inputs) : []

/** Bytes of a value. */
export const bytesOf = ({ shape, dtype }: Value): number => sizeOf(shape) * bytesPerElement[dtype]

/** Memory of a graph while it runs, without weights. */
export interface Memory {
  /** The largest computed value. */
  readonly largest: Value
  /** Peak bytes, including feeds, if each value is freed after its last use. */
  readonly peakBytes: number
}

/** Memory of a graph run in topological order. Reshapes and broadcasts are views and take no memory. */
export function memory(g: Graph): Memory {
  const owner = new Map<Value, Value>()
  const order = valuesOf(g)
  for (const value of order)
    owner.set(value, value.op === 'reshape' || value.op === 'broadcast' ? owner.get(value.inputs[0])! : value)

  const uses = new Map<Value, number>()
  const use = (value: Value, by: number): number => {
    const left = (uses.get(owner.get(value)!) ?? 0) + by
    uses.set(owner.get(value)!, left)
    return left
  }
  for (const value of order) value.inputs.forEach(v => use(v, 1))
  Object.values(g.outputs).forEach(v => use(v, 1)) // never freed: outputs outlive the run

  let live = g.inputs.reduce((sum, v) => sum + bytesOf(v), 0)
  let peakBytes = live
  let largest = Object.values(g.outputs)[0]
  for (const value of order) {
    if (isLeaf(value)) continue
    if (owner.get(value) === value) live += bytesOf(value)
    if (bytesOf(value) > bytesOf(largest)) largest = value
    peakBytes = Math.max(peakBytes, live)
    for (const v of value.inputs) if (use(v, -1) === 0 && !isLeaf(owner.get(v)!)) live -= bytesOf(owner.get(v)!)
  }
  return { largest, peakBytes }
}

const isLeaf = (value: Value): boolean => value.inputs.length === 0
