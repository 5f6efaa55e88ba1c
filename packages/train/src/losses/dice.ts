import { ops, type Value } from '@sam/core/graph'

/**
 * Dice loss of mask logits [..., H, W] against targets of 0 and 1, per mask: [...]. Numerator and denominator are
 * smoothed by 1, so that an empty mask has a loss.
 */
export function diceLoss(logits: Value, target: Value): Value {
  const p = ops.sigmoid(logits)
  const overlap = ops.sum(ops.mul(p, target), [-2, -1])
  const areas = ops.add(ops.sum(p, [-2, -1]), ops.sum(target, [-2, -1]))
  return ops.sub(1, ops.div(ops.add(ops.mul(overlap, 2), 1), ops.add(areas, 1)))
}
