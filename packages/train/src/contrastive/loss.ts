import { ops, type Value } from '@sam/core/graph'

export interface ContrastiveInputs {
  /** [B, D], of any length. */
  readonly images: Value
  /** [T, D], of any length. */
  readonly texts: Value
  /** [B, T]: 1 where text j may be said of image i. */
  readonly matches: Value
  /** Rank 0: the cosine's factor. */
  readonly scale: Value
  /** Numbers of texts, in their order, that an image is to choose among: each its own contest. One of all texts unless told. */
  readonly contests?: readonly number[]
}

/**
 * CLIP's symmetric cross entropy (Radford et al. 2021, figure 3), over all pairs that belong together and not only the diagonal: in a batch of simple things
 * the same phrase is true of several, and to call these wrong would teach that words mean nothing. Each image's target is spread over the texts that are
 * true of it, each text's over the images it is true of (as in UniCL, Yang et al. 2022). A text that is true of none is only denied by the images. Where an
 * image has several contests, each counts as much as the texts' choice among all images. `logits` are [B, T].
 */
export function contrastiveLoss({ images, texts, matches, scale, contests = [texts.shape[0]] }: ContrastiveInputs): { loss: Value; logits: Value } {
  const logits = ops.mul(ops.matmul(unit(images), ops.swap(unit(texts))), scale)
  const ways = contests.map((size, i) => {
    const start = contests.slice(0, i).reduce((a, b) => a + b, 0)
    const own = (x: Value): Value => ops.slice(x, 1, { start, size })
    return crossEntropy(own(logits), own(matches), 1)
  })
  const total = [...ways, crossEntropy(logits, matches, 0)].reduce((a, b) => ops.add(a, b))
  return { loss: ops.reshape(ops.div(total, ways.length + 1), []), logits }
}

/** Of choices along an axis, where any of several may be right; the mean over those that have a right one. */
function crossEntropy(logits: Value, matches: Value, axis: number): Value {
  const share = ops.div(matches, ops.max(ops.reduceSum(matches, [axis]), 1))
  return ops.neg(ops.div(ops.reduceSum(ops.mul(share, logSoftmax(logits, axis)), [0, 1]), ops.max(ops.reduceSum(share, [0, 1]), 1)))
}

/** Rows divided by their length. */
const unit = (x: Value): Value => ops.div(x, ops.sqrt(ops.add(ops.reduceSum(ops.square(x), [1]), 1e-12)))

function logSoftmax(x: Value, axis: number): Value {
  const shifted = ops.sub(x, ops.stopGradient(ops.reduceMax(x, [axis])))
  return ops.sub(shifted, ops.log(ops.reduceSum(ops.exp(shifted), [axis])))
}
