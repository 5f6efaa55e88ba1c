import { ops, type Value } from '@sam/core/graph'

export interface AdamWOptions {
  readonly beta1: number
  readonly beta2: number
  /** Added to the root of the second moment. */
  readonly eps: number
}

/** Paper: Appendix A, "Training recipe"; eps is PyTorch's. */
export const paperAdamW: AdamWOptions = { beta1: 0.9, beta2: 0.999, eps: 1e-8 }

export interface AdamWState {
  readonly param: Value
  /** Running means of the gradient and of its square; zero before the first step. */
  readonly m: Value
  readonly v: Value
}

export interface AdamWStep {
  readonly gradient: Value
  /** Factor on the gradient, rank 0. Default: 1. */
  readonly factor?: Value
  /** Learning rate, rank 0, times this param's own scale. */
  readonly rate: Value
  readonly weightDecay: number
  /** 1 − β₁ᵗ and 1 − β₂ᵗ at step t = 1, 2, …, rank 0; computed on the host. */
  readonly correction: readonly [Value, Value]
}

/**
 * One step of AdamW as values: decoupled weight decay, then the bias-corrected update. Scalar factors are combined
 * first: m̂ / (√v̂ + eps) with m̂ = m / c₁ and v̂ = v / c₂ is √c₂ / c₁ · m / (√v + eps·√c₂). PyTorch:
 * torch.optim.AdamW.
 */
export function adamw(
  { param, m, v }: AdamWState,
  { gradient, factor = ops.scalar(1), rate, weightDecay, correction: [c1, c2] }: AdamWStep,
  { beta1, beta2, eps }: AdamWOptions = paperAdamW
): AdamWState {
  const m1 = ops.add(ops.mul(m, beta1), ops.mul(gradient, ops.mul(factor, 1 - beta1)))
  const v1 = ops.add(ops.mul(v, beta2), ops.mul(ops.square(gradient), ops.mul(ops.square(factor), 1 - beta2)))
  const deviation = ops.add(ops.sqrt(v1), ops.mul(ops.sqrt(c2), eps))
  const decayed = weightDecay ? ops.mul(param, ops.sub(1, ops.mul(rate, weightDecay))) : param
  const step = ops.mul(ops.div(ops.sqrt(c2), c1), rate)
  return { param: ops.sub(decayed, ops.mul(step, ops.div(m1, deviation))), m: m1, v: v1 }
}
