import { ops, type Value } from '@sam/core/graph'
import { diceLoss } from './dice.js'
import { focalLoss } from './focal.js'
import { iouLoss, trueIou } from './iou.js'

export interface LossWeights {
  readonly focal: number
  readonly dice: number
  readonly iou: number
}

/** Focal and dice 20 : 1, IoU with factor 1. Paper: Appendix A, "Losses". */
export const paperWeights: LossWeights = { focal: 20, dice: 1, iou: 1 }

export interface MaskLossInputs {
  /** Mask logits, [P, M, h, w]. */
  readonly logits: Value
  /** Predicted IoU, [P, M]. */
  readonly iou: Value
  /** The truth, 0 and 1, [P, h, w]; all 0 for an absent object. */
  readonly target: Value
  /**
   * 1 for masks returned for this prompt, else 0: [P, M]. Three for an ambiguous prompt, else the single-mask output.
   */
  readonly returned: Value
  /** Weight of each prompt in the mean, [P]: 0 for padding. */
  readonly weight: Value
}

/** The loss and its parts: rank 0, except the matrices [P, M]. */
export interface MaskLoss {
  readonly loss: Value
  /** Lowest mask loss and IoU error of a prompt, weighted means. */
  readonly mask: Value
  readonly iouError: Value
  /** Per mask: weighted focal + dice, and true IoU. */
  readonly perMask: Value
  readonly trueIou: Value
}

/**
 * The paper's loss of a batch of prompts: for each, the lowest loss of its returned masks, which alone is
 * backpropagated, plus the mean IoU error of all its returned masks; then the weighted mean over prompts. An empty
 * target marks an absent object: its masks are not trained, but their true IoU is 0. Paper: Appendix A, "Making the
 * model ambiguity-aware", "Losses".
 */
export function maskLoss(
  { logits, iou, target, returned, weight }: MaskLossInputs,
  weights: LossWeights = paperWeights
): MaskLoss {
  const [p, , h, w] = logits.shape as [number, number, number, number]
  const truth = ops.reshape(target, [p, 1, h, w])
  const perMask = ops.add(
    ops.mul(focalLoss(logits, truth), weights.focal),
    ops.mul(diceLoss(logits, truth), weights.dice)
  )
  const real = trueIou(logits, truth)

  // The gradient flows to the maximum alone; masks that are not returned never are the maximum.
  const lowest = ops.neg(ops.reduceMax(ops.where(ops.less(0.5, returned), ops.neg(perMask), -1e9), [1]))
  const errors = ops.mul(iouLoss(iou, real), returned)
  const error = ops.div(ops.reduceSum(errors, [1]), ops.reduceSum(returned, [1]))

  const total = ops.max(ops.sum(weight, [0]), 1e-6)
  const mean = (perPrompt: Value): Value => ops.div(ops.sum(ops.mul(ops.reshape(perPrompt, [p]), weight), [0]), total)
  const isThere = ops.reshape(ops.reduceMax(truth, [2, 3]), [p, 1])
  const [mask, iouError] = [mean(ops.mul(lowest, isThere)), mean(error)]
  return { loss: ops.add(mask, ops.mul(iouError, weights.iou)), mask, iouError, perMask, trueIou: real }
}
