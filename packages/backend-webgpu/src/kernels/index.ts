import { isPrimitive, type Primitive, type Value } from '@sam/core/graph'
import { attention, gridAttention, windowAttention } from './attention.js'
import { conv2d, convTranspose2d, linear, matmul } from './contract.js'
import { isElementwise } from './expression.js'
import type { Kernel, Limits } from './kernel.js'
import { concat, gather, pad, scatterAdd } from './move.js'
import { reduce } from './reduce.js'
import { resizeBilinear } from './resize.js'
import { layerNorm, softmax } from './rows.js'

/**
 * The kernels of this backend. In addition, the schedule fuses elementwise operations (`expression.ts`) into chains,
 * and reshape, transpose, broadcast, slice and stopGradient are views (`view.ts`) without a kernel.
 */
const primitives: { readonly [P in Primitive]?: Kernel } = {
  reduceSum: reduce,
  reduceMax: reduce,
  matmul,
  pad,
  concat,
  gather,
  scatterAdd
}

const composites: Readonly<Record<string, Kernel>> = {
  linear,
  conv2d,
  convTranspose2d,
  attention,
  gridAttention,
  windowAttention,
  softmax,
  layerNorm,
  resizeBilinear
}

/** The kernel of an operation, if it has one. */
export const kernelOf = (op: string): Kernel | undefined => (isPrimitive(op) ? primitives[op] : composites[op])

/** Whether a composite node runs fused on a device with these limits. */
export function keeps(node: Value, limits: Limits): boolean {
  if (isElementwise(node.op)) return true
  return composites[node.op]?.supports?.(node, limits) ?? false
}
