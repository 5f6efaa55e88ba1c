import type { Shape, Value } from '@sam/core/graph'
import type { AdamWStep } from './adamw.js'

/** An optimizer as values: how one param and its moments change in a step. */
export interface Optimizer {
  /** Prefix of its moments' names in checkpoints. */
  readonly name: string
  /** State per param: tensors of its shape, initially zero. */
  readonly moments: readonly string[]
  /** `param` and each of the moments, before the step and after it. */
  readonly update: (
    state: Readonly<Record<string, Value>>,
    step: AdamWStep & { readonly factor: Value }
  ) => Readonly<Record<string, Value>>
}

/** Chooses a param's optimizer by its name and shape; undefined for AdamW. */
export type OptimizerFor = (name: string, shape: Shape) => Optimizer | undefined
