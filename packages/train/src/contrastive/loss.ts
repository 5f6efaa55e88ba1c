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
}

/**
 * CLIP's symmetric cross entropy (Radford et al. 2021, figure 3), over all pairs that belong together and not only the diagonal: in a batch of simple things
 * the same phrase is true of several, and to call these wrong would teach that words mean nothing. Each image's target is spread over the texts that are
 * true of it, each text's over the images it is true of (as in UniCL, Yang et al. 2022). A text that is true of none is only denied by the images. `logits` are
 * [B, T].
 */
export function contrastiveLoss({ images, texts, matches, scale }: ContrastiveInputs): { loss: Value; logits: Value } {
  const logits = ops.mul(ops.matmul(unit(images), ops.swap(unit(texts))), scale)
  const way = (axis: number): Value => {
    const share = ops.div(matches, ops.max(ops.reduceSum(matches, [axis]), 1))
    return ops.div(ops.reduceSum(ops.mul(share, logSoftmax(logits, axis)), [0, 1]), ops.reduceSum(share, [0, 1]))
  }
  return { loss: ops.reshape(ops.mul(ops.add(way(1), way(0)), -0.5), []), logits }
}

/** Rows divided by their length. */
const unit = (x: Value): Value => ops.div(x, ops.sqrt(ops.add(ops.reduceSum(ops.square(x), [1]), 1e-12)))

function logSoftmax(x: Value, axis: number): Value {
  const shifted = ops.sub(x, ops.stopGradient(ops.reduceMax(x, [axis])))
  return ops.sub(shifted, ops.log(ops.reduceSum(ops.exp(shifted), [axis])))
}
