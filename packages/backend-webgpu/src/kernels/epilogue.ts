import type { Value } from '@sam/core/graph'

/** Operations applied to a contraction's sums in registers. */
export interface Epilogue {
  readonly activation?: Activation | undefined
  /** Added last: a value of the result's shape. */
  readonly residual?: Value | undefined
}

/** The activations that an epilogue applies, as WGSL on the sum `v`. */
export const activations = { gelu: 'v = gelu(v);', relu: 'v = max(v, 0.0);' } as const

export type Activation = keyof typeof activations

/** The node's activation, or undefined if it is none. */
export const activationOf = ({ op }: Value): Activation | undefined =>
  Object.hasOwn(activations, op) ? (op as Activation) : undefined

/** The value that a node adds to `sums`; undefined if the node is not such an addition. */
export const residualOf = ({ op, inputs: [a, b] }: Value, sums: Value): Value | undefined =>
  op === 'add' && a !== b ? (a === sums ? b : a) : undefined
