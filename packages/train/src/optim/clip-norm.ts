import { ops, type Value } from '@sam/core/graph'

/** Global norm: the root of the sum of squares over all gradients, rank 0. */
export const globalNorm = (gradients: readonly Value[]): Value =>
  ops.sqrt(gradients.map(g => ops.sum(ops.square(g), [...g.shape.keys()])).reduce((a, b) => ops.add(a, b)))

/** Factor that limits the global gradient norm: min(1, limit / norm). PyTorch: clip_grad_norm_. */
export const clipFactor = (norm: Value, limit: number): Value =>
  ops.min(ops.div(limit, ops.add(norm, 1e-6)), ops.scalar(1))
