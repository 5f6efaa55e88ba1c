import type { Primitive, Value } from '@sam/core/graph'
import type { Emit } from '../builder.js'
import * as composites from './composites.js'
import { matmul } from './contract.js'
import { conv2d } from './convolution.js'
import * as elementwise from './elementwise.js'
import { gridAttention } from './grid-attention.js'
import * as move from './move.js'
import * as reduce from './reduce.js'
import { windowAttention } from './window-attention.js'

/** One ONNX node each, mostly. */
export const primitives: { readonly [P in Primitive]: Emit } = {
  ...elementwise,
  ...reduce,
  ...move,
  matmul,
  stopGradient: (to, y) => to.of(y.inputs[0])
}

/** Composites whose ONNX form beats their decomposition. Attention as such, and moving windows, are best opened. */
export const whole: Readonly<Record<string, Emit>> = { ...composites, conv2d, gridAttention, windowAttention }

/** Whether a composite node is written whole. For `Backend.keeps`. */
export const keeps = (node: Value): boolean =>
  node.composite !== undefined &&
  Object.hasOwn(whole, node.op) &&
  node.dtype === 'f32' &&
  node.inputs.every(v => v.dtype === 'f32')
