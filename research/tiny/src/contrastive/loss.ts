import { ops, type Value } from '@sam/core/graph'

export interface ContrastiveInputs {
  /** [B, D], of any length. */
  readonly images: Value
  /** [T, D], of any length. */
  readonly texts: Value
  /** [B, T]: 1 where text j is true of image i, 0 where it is false, −1 where it is unknown. */
  readonly matches: Value
  /** Rank 0: the logit scale. */
  readonly scale: Value
  /**
   * Sizes of the label groups, in the order of the texts: an image is classified within each. Default: one group of all
   * texts.
   */
  readonly labelGroups?: readonly number[]
}

/**
 * CLIP's symmetric cross entropy (Radford et al. 2021, figure 3) over all matching pairs, not only the diagonal: in a
 * batch of simple objects a phrase is true of several, which must not count as negatives. Targets are spread over all
 * matches (UniCL, Yang et al. 2022); unknown pairs are excluded from the softmax. A text that is true of no image only
 * serves as a negative for images. Each label group of the images has the same weight as the texts' side. `logits` are
 * [B, T].
 */
export function contrastiveLoss({ images, texts, matches, scale, labelGroups = [texts.shape[0]] }: ContrastiveInputs): {
  loss: Value
  logits: Value
} {
  const logits = ops.mul(ops.matmul(unit(images), ops.swap(unit(texts))), scale)
  const total = [...classificationLosses({ logits, matches, labelGroups }), crossEntropy(logits, matches, 0)].reduce(
    (a, b) => ops.add(a, b)
  )
  return { loss: ops.reshape(ops.div(total, labelGroups.length + 1), []), logits }
}

interface LabelGroups {
  readonly logits: Value
  readonly matches: Value
  readonly labelGroups: readonly number[]
}

/**
 * Auxiliary classification loss: the images' side alone, mean over the label groups, rank 0. With a weight vector per
 * word instead of texts, the vision tower learns distinctions that the text tower does not make yet.
 */
export const auxiliaryClassificationLoss = (given: LabelGroups): Value =>
  ops.reshape(
    ops.div(
      classificationLosses(given).reduce((a, b) => ops.add(a, b)),
      given.labelGroups.length
    ),
    []
  )

const classificationLosses = ({ logits, matches, labelGroups }: LabelGroups): readonly Value[] =>
  labelGroups.map((size, i) => {
    const start = labelGroups.slice(0, i).reduce((a, b) => a + b, 0)
    const own = (x: Value): Value => ops.slice(x, 1, { start, size })
    return crossEntropy(own(logits), own(matches), 1)
  })

/** Subtracted from a logit to exclude it from a softmax. */
const excluded = 1e4

/** Cross entropy along an axis with several right labels; mean over the rows that have one. */
function crossEntropy(logits: Value, matches: Value, axis: number): Value {
  const right = ops.max(matches, 0)
  const share = ops.div(right, ops.max(ops.reduceSum(right, [axis]), 1))
  const unknown = ops.sub(right, matches)
  const open = ops.sub(logits, ops.mul(unknown, excluded))
  return ops.neg(
    ops.div(ops.reduceSum(ops.mul(share, logSoftmax(open, axis)), [0, 1]), ops.max(ops.reduceSum(share, [0, 1]), 1))
  )
}

/** Rows normalised to unit length. */
const unit = (x: Value): Value => ops.div(x, ops.sqrt(ops.add(ops.reduceSum(ops.square(x), [1]), 1e-12)))

function logSoftmax(x: Value, axis: number): Value {
  const shifted = ops.sub(x, ops.stopGradient(ops.reduceMax(x, [axis])))
  return ops.sub(shifted, ops.log(ops.reduceSum(ops.exp(shifted), [axis])))
}
