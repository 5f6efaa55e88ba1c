import type { Value } from '@sam/core/graph'

/** What follows a contraction and is done while its sums are in registers. */
export interface Epilogue {
  readonly activation?: Activation | undefined
  /** Added last: a value of the result's shape. */
  readonly residual?: Value | undefined
}

/** The activations that an epilogue applies, as WGSL on the sum `v`. */
export const activations = { gelu: 'v = gelu(v);', relu: 'v = max(v, 0.0);' } as const

export type Activation = keyof typeof activations

/** The activation that a node is, or undefined. */
export const activationOf = ({ op }: Value): Activation | undefined =>
  Object.hasOwn(activations, op) ? (op as Activation) : undefined

/** What a node adds to `sums`, or undefined where it is not the addition of another value to them. */
export const residualOf = ({ op, inputs: [a, b] }: Value, sums: Value): Value | undefined =>
  op === 'add' && a !== b ? (a === sums ? b : a) : undefined
