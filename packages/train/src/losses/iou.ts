import { ops, type Value } from '@sam/core/graph'

/**
 * Intersection over union of logits [..., H, W], thresholded at 0, with targets of 0 and 1: [...]. It has no gradient.
 */
export function trueIou(logits: Value, target: Value): Value {
  const mask = ops.cast(ops.less(0, ops.stopGradient(logits)), logits.dtype)
  const intersection = ops.sum(ops.mul(mask, target), [-2, -1])
  const union = ops.sub(ops.add(ops.sum(mask, [-2, -1]), ops.sum(target, [-2, -1])), intersection)
  return ops.div(intersection, ops.max(union, 1))
}

/** Squared error of the predicted IoU, per mask. Paper: Appendix A, "Losses": mean squared error, factor 1. */
export const iouLoss = (predicted: Value, truth: Value): Value => ops.square(ops.sub(predicted, truth))
