import { ops, type Value } from '@sam/core/graph'

export interface ContrastiveInputs {
  /** [B, D], of any length. */
  readonly images: Value
  /** [T, D], of any length. */
  readonly texts: Value
  /** [B, T]: 1 where text j is true of image i, 0 where it is false, −1 where this is not known. */
  readonly matches: Value
  /** Rank 0: the cosine's factor. */
  readonly scale: Value
  /**
   * Numbers of texts, in their order, that an image is to choose among: each its own contest. One of all texts unless
   * told.
   */
  readonly labelGroups?: readonly number[]
}

/**
 * CLIP's symmetric cross entropy (Radford et al. 2021, figure 3), over all pairs that belong together and not only the
 * diagonal: in a batch of simple things the same phrase is true of several, and to call these wrong would teach that
 * words mean nothing. Each image's target is spread over the texts that are true of it, each text's over the images it
 * is true of (as in UniCL, Yang et al. 2022). What is not known to be true or false is no choice. A text that is true
 * of none is only denied by the images. Where an image has several contests, each counts as much as the texts' choice
 * among all images. `logits` are [B, T].
 */
export function contrastiveLoss({ images, texts, matches, scale, labelGroups = [texts.shape[0]] }: ContrastiveInputs): {
  loss: Value
  logits: Value
} {
  const logits = ops.mul(ops.matmul(unit(images), ops.swap(unit(texts))), scale)
  const total = [...choices({ logits, matches, labelGroups }), crossEntropy(logits, matches, 0)].reduce((a, b) =>
    ops.add(a, b)
  )
  return { loss: ops.reshape(ops.div(total, labelGroups.length + 1), []), logits }
}

interface LabelGroups {
  readonly logits: Value
  readonly matches: Value
  readonly labelGroups: readonly number[]
}

/**
 * The crops' own choices alone, each contest counting the same: mean cross entropy, rank 0. Where the logits are of
 * directions of the image embedding, and not of texts, it teaches a tower to see what no text yet tells apart.
 */
export const auxiliaryClassificationLoss = (given: LabelGroups): Value =>
  ops.reshape(
    ops.div(
      choices(given).reduce((a, b) => ops.add(a, b)),
      given.labelGroups.length
    ),
    []
  )

const choices = ({ logits, matches, labelGroups }: LabelGroups): readonly Value[] =>
  labelGroups.map((size, i) => {
    const start = labelGroups.slice(0, i).reduce((a, b) => a + b, 0)
    const own = (x: Value): Value => ops.slice(x, 1, { start, size })
    return crossEntropy(own(logits), own(matches), 1)
  })

/** What takes a choice out of a softmax. */
const never = 1e4

/** Of choices along an axis, where any of several may be right; the mean over those that have a right one. */
function crossEntropy(logits: Value, matches: Value, axis: number): Value {
  const right = ops.max(matches, 0)
  const share = ops.div(right, ops.max(ops.reduceSum(right, [axis]), 1))
  const unknown = ops.sub(right, matches)
  const open = ops.sub(logits, ops.mul(unknown, never))
  return ops.neg(
    ops.div(ops.reduceSum(ops.mul(share, logSoftmax(open, axis)), [0, 1]), ops.max(ops.reduceSum(share, [0, 1]), 1))
  )
}

/** Rows divided by their length. */
const unit = (x: Value): Value => ops.div(x, ops.sqrt(ops.add(ops.reduceSum(ops.square(x), [1]), 1e-12)))

function logSoftmax(x: Value, axis: number): Value {
  const shifted = ops.sub(x, ops.stopGradient(ops.reduceMax(x, [axis])))
  return ops.sub(shifted, ops.log(ops.reduceSum(ops.exp(shifted), [axis])))
}
