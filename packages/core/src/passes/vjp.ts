import type { Value } from '../ir/value.js'
import {
  broadcastTo,
  cast,
  cos,
  div,
  equal,
  exp,
  gather,
  less,
  make,
  matmul,
  mul,
  neg,
  pad,
  reduceSum,
  reshape,
  scatterAdd,
  sin,
  slice,
  swap,
  transpose,
  where
} from '../ops/build.js'
import type { Primitive } from '../ops/primitives.js'
import { square } from '../ops/sugar.js'

/**
 * Vector-Jacobian products: for each primitive, the cotangents of its inputs from the cotangent `g` of its output `y`,
 * a node with inputs and attributes. null where no gradient flows (integers, comparisons, indices). Built from the same
 * primitives, so a gradient is again a graph.
 */
export const vjp: { readonly [P in Primitive]: (g: Value, y: Value) => readonly (Value | null)[] } = {
  neg: g => [neg(g)],
  exp: (g, y) => [mul(g, y)],
  log: (g, { inputs: [x] }) => [div(g, x)],
  sqrt: (g, y) => [div(g, mul(y, 2))],
  sin: (g, { inputs: [x] }) => [mul(g, cos(x))],
  cos: (g, { inputs: [x] }) => [neg(mul(g, sin(x)))],
  erf: (g, { inputs: [x] }) => [mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))],
  cast: (g, { inputs: [x], dtype }) => [isFloat(dtype) && isFloat(x.dtype) ? cast(g, x.dtype) : null],

  add: g => [g, g],
  sub: g => [g, neg(g)],
  mul: (g, { inputs: [a, b] }) => [mul(g, b), mul(g, a)],
  div: (g, y) => [div(g, y.inputs[1]), neg(div(mul(g, y), y.inputs[1]))],
  max: (g, { inputs: [a, b] }) => [where(less(a, b), 0, g), where(less(a, b), g, 0)],

  less: () => [null, null],
  equal: () => [null, null],
  where: (g, { inputs: [condition] }) => [null, where(condition, g, 0), where(condition, 0, g)],

  reduceSum: (g, { inputs: [x] }) => [broadcastTo(g, x.shape)],
  // Positions that tie for the maximum share the cotangent.
  reduceMax(g, y) {
    const [x] = y.inputs
    const attained = equal(x, broadcastTo(y, x.shape))
    const ties = reduceSum(cast(attained, g.dtype), y.attrs.axes as readonly number[])
    return [where(attained, broadcastTo(div(g, ties), x.shape), 0)]
  },

  matmul: (g, { inputs: [a, b] }) => [matmul(g, swap(b)), matmul(swap(a), g)],

  reshape: (g, { inputs: [x] }) => [reshape(g, x.shape)],
  transpose(g, { attrs }) {
    const perm = attrs.perm as readonly number[]
    return [
      transpose(
        g,
        perm.map((_, i) => perm.indexOf(i))
      )
    ]
  },
  broadcast: (g, { inputs: [x], shape }) => [
    reduceSum(
      g,
      [...shape.keys()].filter(i => shape[i] !== x.shape[i])
    )
  ],
  slice(g, { inputs: [x], attrs, shape }) {
    const before = attrs.start as readonly number[]
    return [pad(g, { before, after: before.map((start, i) => x.shape[i] - start - shape[i]) })]
  },
  pad: (g, { inputs: [x], attrs }) => [
    make('slice', [g], { start: attrs.before as readonly number[], shape: x.shape })
  ],
  concat(g, { inputs, attrs }) {
    const axis = attrs.axis as number
    let start = 0
    return inputs.map(x => slice(g, axis, { start: (start += x.shape[axis]) - x.shape[axis], size: x.shape[axis] }))
  },
  gather: (g, { inputs: [x, index], attrs }) => [
    scatterAdd(g, index, { axis: attrs.axis as number, size: x.shape[attrs.axis as number] }),
    null
  ],
  scatterAdd: (g, { inputs: [, index], attrs }) => [gather(g, index, attrs.axis as number), null],

  stopGradient: () => [null]
}

const isFloat = (dtype: Value['dtype']): boolean => dtype === 'f32' || dtype === 'f16'
