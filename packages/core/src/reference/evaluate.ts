import { GraphError } from '../errors.js'
import { toposort, type Graph } from '../ir/graph.js'
import { describe, nameOf, type Value } from '../ir/value.js'
import { isPrimitive, type Primitive } from '../ops/primitives.js'
import { sameShape } from '../tensor/shape.js'
import { arrayOf } from '../tensor/dtype.js'
import type { HostTensor } from '../tensor/tensor.js'
import { f16ToNumber, numberToF16 } from '../tensor/half.js'
import { matmul } from './contract.js'
import { binary, cast, select, unary } from './elementwise.js'
import type { Exact, Kernel } from './exact.js'
import * as move from './move.js'
import { reduce } from './reduce.js'

/** The tensor of each input and param of a graph. */
export type Bindings = (leaf: Value) => Exact | HostTensor

const kernels: { readonly [P in Primitive]: Kernel } = {
  neg: unary(x => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  erf: unary(erf),
  cast,
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  max: binary((a, b) => (a >= b || Number.isNaN(a) ? a : b)),
  less: binary((a, b) => (a < b ? 1 : 0)),
  equal: binary((a, b) => (a === b ? 1 : 0)),
  where: select,
  reduceSum: reduce(0, (a, b) => a + b),
  reduceMax: reduce(-Infinity, Math.max),
  matmul,
  reshape: ([x]) => x.data,
  transpose: move.transpose,
  broadcast: move.broadcast,
  slice: move.slice,
  pad: move.pad,
  concat: move.concat,
  gather: move.gather,
  scatterAdd: move.scatterAdd,
  stopGradient: ([x]) => x.data
}

/**
 * Computes a graph in double precision, with one loop per primitive and composites decomposed: the reference for every
 * backend. Values are freed after their last use.
 */
export function evaluate(g: Graph, bindings: Bindings): Record<string, Exact> {
  const results = new Map<Value, Exact>()
  const roots = decomposeAll(Object.values(g.outputs))
  const order = toposort(roots)
  const left = new Map<Value, number>()
  for (const v of order) for (const x of v.inputs) left.set(x, (left.get(x) ?? 0) + 1)
  for (const v of roots) left.set(v, Infinity)

  for (const value of order) {
    results.set(
      value,
      compute(
        value,
        value.inputs.map(v => results.get(v)!),
        bindings
      )
    )
    for (const x of value.inputs) {
      left.set(x, left.get(x)! - 1)
      if (left.get(x) === 0) results.delete(x)
    }
  }
  return Object.fromEntries(Object.keys(g.outputs).map((name, i) => [name, results.get(roots[i])!]))
}

function compute(value: Value, inputs: readonly Exact[], bindings: Bindings): Exact {
  const { op, shape, dtype } = value
  if (op === 'constant') return exact(value.attrs.tensor as HostTensor)
  if (nameOf(value) !== undefined) {
    const bound = exact(bindings(value))
    if (!sameShape(bound.shape, shape))
      throw new GraphError(`evaluate: ${describe(value)} must be bound to its shape, found [${bound.shape}]`)
    return bound
  }
  if (!isPrimitive(op))
    throw new GraphError(
      `evaluate: ${op} is neither a primitive nor a composite; add it to ops/primitives.ts and its kernel here`
    )
  return { shape, dtype, data: kernels[op](inputs, value) }
}

/** Decomposes every composite. The reference shares no pass with the backends that it tests. */
function decomposeAll(roots: readonly Value[]): Value[] {
  const decomposed = new Map<Value, Value>()
  const visit = (root: Value, known: readonly Value[]): Value => {
    for (const value of toposort([root], known)) {
      const inputs = value.inputs.map(v => decomposed.get(v) ?? v)
      decomposed.set(
        value,
        value.composite ? visit(value.composite.decompose(inputs, value.attrs), inputs) : { ...value, inputs }
      )
    }
    return decomposed.get(root) ?? root
  }
  return roots.map(root => visit(root, [...decomposed.keys()]))
}

/** Any tensor as f64. */
export function exact(t: Exact | HostTensor): Exact {
  if (t.data instanceof Float64Array) return t as Exact
  return {
    shape: t.shape,
    dtype: t.dtype,
    data: t.dtype === 'f16' ? Float64Array.from(t.data, f16ToNumber) : Float64Array.from(t.data)
  }
}

/** Converts to the declared type. */
export const toHost = ({ shape, dtype, data }: Exact): HostTensor => ({
  shape,
  dtype,
  data: dtype === 'f16' ? Uint16Array.from(data, numberToF16) : arrayOf[dtype].from(data)
})

/**
 * The error function to double precision: near 0 a series without cancellation, beyond it the continued fraction of
 * erfc.
 */
export function erf(x: number): number {
  const t = Math.abs(x)
  if (t < 2.5) {
    let [term, total] = [t, t]
    for (let n = 1; term > 1e-17 * total; n++) {
      term *= (2 * t * t) / (2 * n + 1)
      total += term
    }
    return (Math.sign(x) * total * Math.exp(-t * t) * 2) / Math.sqrt(Math.PI)
  }
  let fraction = t
  for (let n = 60; n > 0; n--) fraction = t + n / 2 / fraction
  return Math.sign(x) * (1 - Math.exp(-t * t) / Math.sqrt(Math.PI) / fraction)
}
