import type { Primitive, Value } from '@sam/core/graph'
import { dataTypes, type Emit } from '../builder.js'
import { convTranspose2d, gelu, layerNorm, linear, resizeBilinear } from './composites.js'
import { matmul } from './contract.js'
import { conv2d } from './convolution.js'
import { broadcasting } from './elementwise.js'
import { gridAttention } from './grid-attention.js'
import { broadcast, pad, reshape, scatterAdd, slice, transpose } from './move.js'
import { axisOf, nodeOf, reduction } from './node.js'
import { windowAttention } from './window-attention.js'

/** The ONNX form of each primitive, usually one node. */
export const primitives: { readonly [P in Primitive]: Emit } = {
  neg: nodeOf('Neg'),
  exp: nodeOf('Exp'),
  log: nodeOf('Log'),
  sqrt: nodeOf('Sqrt'),
  sin: nodeOf('Sin'),
  cos: nodeOf('Cos'),
  erf: nodeOf('Erf'),
  cast: nodeOf('Cast', y => ({ to: dataTypes[y.dtype] })),
  add: broadcasting('Add'),
  sub: broadcasting('Sub'),
  mul: broadcasting('Mul'),
  div: broadcasting('Div'),
  max: broadcasting('Max'),
  less: broadcasting('Less'),
  equal: broadcasting('Equal'),
  where: broadcasting('Where'),
  reduceSum: reduction('ReduceSum'),
  reduceMax: reduction('ReduceMax'),
  matmul,
  reshape,
  transpose,
  broadcast,
  slice,
  pad,
  concat: nodeOf('Concat', axisOf),
  gather: nodeOf('Gather', axisOf),
  scatterAdd,
  stopGradient: (to, y) => to.of(y.inputs[0])
}

/** Composites whose ONNX form is faster than their decomposition. Attention and window partition are decomposed. */
export const composites: Readonly<Record<string, Emit>> = {
  relu: nodeOf('Relu'),
  sigmoid: nodeOf('Sigmoid'),
  gelu,
  softmax: nodeOf('Softmax', axisOf),
  linear,
  layerNorm,
  conv2d,
  convTranspose2d,
  resizeBilinear,
  gridAttention,
  windowAttention
}

/** Whether a composite node has an ONNX form. For `Backend.keeps`. */
export const keeps = (node: Value): boolean =>
  node.composite !== undefined &&
  Object.hasOwn(composites, node.op) &&
  node.dtype === 'f32' &&
  node.inputs.every(v => v.dtype === 'f32')
