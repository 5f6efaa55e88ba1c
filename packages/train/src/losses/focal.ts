import { ops, type Value } from '@sam/core/graph'

/**
 * Weight of positives. The paper gives no values of α and γ: these are RetinaNet's, as in public SAM code.
 */
const alpha = 0.25

/**
 * Focal loss of mask logits [..., H, W] against targets of 0 and 1, mean over pixels: [...]. (1 − p_t)² with γ = 2;
 * computed from logits, without overflow. Paper: Appendix A, "Losses".
 */
export function focalLoss(logits: Value, target: Value): Value {
  const p = ops.sigmoid(logits)
  const crossEntropy = ops.sub(ops.softplus(logits), ops.mul(logits, target))
  const missed = ops.sub(ops.add(p, target), ops.mul(ops.mul(p, target), 2)) // 1 − p_t
  const weight = ops.add(ops.mul(target, 2 * alpha - 1), 1 - alpha) // α where the target is 1, 1 − α elsewhere
  const pixels = ops.mul(weight, ops.mul(ops.square(missed), crossEntropy))
  return ops.div(ops.sum(pixels, [-2, -1]), logits.shape.at(-2)! * logits.shape.at(-1)!)
}
