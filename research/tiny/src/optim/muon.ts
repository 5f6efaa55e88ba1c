import { ops, type Shape, type Value } from '@sam/core/graph'
import type { OptimizerFor } from '@sam/train/toolkit'

export interface MuonOptions {
  /** Decay of the running mean of gradients; Nesterov momentum. */
  readonly momentum: number
  /** Steps of the Newton–Schulz iteration. */
  readonly steps: number
  /** Root mean square of an update's entries, before the rate. */
  readonly size: number
}

/**
 * Jordan et al.'s values. Updates have about the size of AdamW's, so that rates need no second search (Liu et al. 2025,
 * "Muon is scalable for LLM training", 2.2).
 */
export const usualMuon: MuonOptions = { momentum: 0.95, steps: 5, size: 0.2 }

export interface MuonState {
  /** [rows, columns]. */
  readonly param: Value
  /** Running mean of the gradient; zero before the first step. */
  readonly m: Value
}

export interface MuonStep {
  readonly gradient: Value
  /** Factor on the gradient, rank 0. Default: 1. */
  readonly factor?: Value
  /** Learning rate, rank 0, times this param's own scale: one that suits AdamW. */
  readonly rate: Value
  readonly weightDecay: number
}

/**
 * One step of Muon for a matrix between hidden layers (Jordan et al. 2024, "Muon: an optimizer for hidden layers"): the
 * update is the orthogonal matrix nearest to the momentum, so that all directions have the same weight. Weight decay is
 * decoupled, as in AdamW.
 */
export function muon(
  { param, m }: MuonState,
  { gradient, factor = ops.scalar(1), rate, weightDecay }: MuonStep,
  { momentum, steps, size }: MuonOptions = usualMuon
): MuonState {
  const fresh = ops.mul(gradient, ops.mul(factor, 1 - momentum))
  const m1 = ops.add(ops.mul(m, momentum), fresh)
  const update = orthogonal(ops.add(ops.mul(m1, momentum), fresh), steps)
  const decayed = weightDecay ? ops.mul(param, ops.sub(1, ops.mul(rate, weightDecay))) : param
  return { param: ops.sub(decayed, ops.mul(update, ops.mul(rate, size * Math.sqrt(Math.max(...param.shape))))), m: m1 }
}

/**
 * Approximates the nearest matrix with orthonormal rows, or columns if these are fewer: all singular values end between
 * 0.7 and 1.2. Newton–Schulz iteration with Jordan et al.'s polynomial a·x + b·x³ + c·x⁵, whose slope at 0 raises small
 * ones fast, and which does not converge.
 */
export function orthogonal(x: Value, steps: number): Value {
  const tall = x.shape[0] > x.shape[1]
  const length = ops.sqrt(ops.reduceSum(ops.square(x), [0, 1]))
  let y = ops.div(tall ? ops.swap(x) : x, ops.add(length, 1e-12))
  for (let i = 0; i < steps; i++) {
    const square = ops.matmul(y, ops.swap(y))
    const rest = ops.add(ops.mul(square, -4.775), ops.mul(ops.matmul(square, square), 2.0315))
    y = ops.add(ops.mul(y, 3.4445), ops.matmul(rest, y))
  }
  return tall ? ops.swap(y) : y
}

/**
 * Whether a param is a matrix between hidden layers, for Muon: no table of positions, tokens or words, no final
 * projection, and at least eight rows and columns.
 */
export const isHidden = (name: string, shape: Shape): boolean =>
  shape.length === 2 && Math.min(...shape) >= 8 && !/embed|token|rel_pos|projection/.test(name)

/** Muon for the matrices between hidden layers, AdamW for the rest. */
export const muonFor =
  (options: MuonOptions): OptimizerFor =>
  (name, shape) =>
    isHidden(name, shape)
      ? {
          name: 'muon',
          moments: ['m'],
          update: ({ param, m }, step) => ({ ...muon({ param, m }, step, options) })
        }
      : undefined
