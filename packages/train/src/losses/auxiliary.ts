import type { Value } from '@sam/core/graph'

/** Inputs of an auxiliary loss. */
export interface AuxiliaryLossInputs {
  /** Image embeddings, [B, C, g, g]; prompt i belongs to image ⌊i · B / P⌋. */
  readonly embedding: Value
  /** The objects, 0 and 1, [P, 4g, 4g]. */
  readonly target: Value
  /** With text prompts: the text tokens, [P, C], and 1 for prompts that have one, else 0, [P]. */
  readonly text?: { readonly token: Value; readonly weight: Value }
}

/** A loss beside the paper's: rank 0, already weighted. */
export type AuxiliaryLoss = (inputs: AuxiliaryLossInputs) => Value
