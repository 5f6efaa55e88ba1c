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
 * What this backend can run. Besides these: elementwise operations (`expression.ts`) are joined into chains by the
 * schedule, and reshape, transpose, broadcast, slice and stopGradient are views (`view.ts`): no kernel at all.
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

/** The kernel of an operation that needs one of its own. */
export const kernelOf = (op: string): Kernel | undefined => (isPrimitive(op) ? primitives[op] : composites[op])

/** Whether a composite node runs fused on a device with these limits. */
export function keeps(node: Value, limits: Limits): boolean {
  if (isElementwise(node.op)) return true
  return composites[node.op]?.supports?.(node, limits) ?? false
}
