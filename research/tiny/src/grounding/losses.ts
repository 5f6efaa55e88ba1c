import { ops, type Value } from '@sam/core/graph'

export interface GroundingInputs {
  /** Text tokens as the prompt encoder gives them, [P, C]. */
  readonly token: Value
  /** Image embeddings, [B, C, g, g]; prompt i is about image ⌊i · B / P⌋. */
  readonly embedding: Value
  /** The truth, 0 and 1, [P, 4g, 4g]. */
  readonly target: Value
  /** What each prompt counts in the mean, [P]: 0 where there is no text. What is not there counts nothing either. */
  readonly weight: Value
}

/**
 * A token for each prompt that its object makes of itself: the mean of the image embedding over it, [P, C]. By
 * `groundingLoss` the places of an object then come to resemble each other and nothing else.
 */
export function ownToken({ embedding, target }: Pick<GroundingInputs, 'embedding' | 'target'>): Value {
  const [images, width, g] = embedding.shape as [number, number, number, number]
  const [prompts, places] = [target.shape[0], g * g]
  const covered = coveredBy(target, g)
  const share = ops.div(covered, ops.max(ops.reduceSum(covered, [1]), 1))
  const means = ops.matmul(
    ops.reshape(share, [images, prompts / images, places]),
    ops.swap(ops.reshape(embedding, [images, width, places]))
  )
  return ops.reshape(means, [prompts, width])
}

/** How much of each place of the grid a target covers: [P, 4g, 4g] → [P, g²], of 16. */
const coveredBy = (target: Value, g: number): Value =>
  ops.reshape(ops.sum(ops.reshape(target, [target.shape[0], g, 4, g, 4]), [2, 4]), [target.shape[0], g * g])

/**
 * How far a text token is from pointing at its object: the cross entropy between the places of the image embedding that
 * the token is likest to (softmax over the grid of inner products / √C, as attention has it) and where the object is.
 * Mean over prompts, rank 0. Not of the paper, whose 120k iterations of 128 images find the way from a token to the
 * pixels of its object by the mask alone; a small model in hours does not.
 */
export function groundingLoss({ token, embedding, target, weight }: GroundingInputs): Value {
  const [images, width, g] = embedding.shape as [number, number, number, number]
  const [prompts, places] = [token.shape[0], g * g]
  const alike = ops.matmul(
    ops.reshape(token, [images, prompts / images, width]),
    ops.reshape(embedding, [images, width, places])
  )
  const logits = ops.reshape(ops.div(alike, Math.sqrt(width)), [prompts, places])
  const shifted = ops.sub(logits, ops.reduceMax(ops.stopGradient(logits), [1]))
  const logTotal = ops.log(ops.sum(ops.exp(shifted), [1])) // [P]

  const covered = coveredBy(target, g)
  const area = ops.sum(covered, [1])
  const counts = ops.mul(weight, ops.div(area, ops.max(area, 1)))
  const inside = ops.div(ops.sum(ops.mul(covered, shifted), [1]), ops.max(area, 1))
  return ops.div(ops.sum(ops.mul(ops.sub(logTotal, inside), counts), [0]), ops.max(ops.sum(counts, [0]), 1))
}

/**
 * How far each object is from its own text among all of the batch: the cross entropy of the text token that its own
 * token (`ownToken`) is likest to. `groundingLoss` asks where in an image a text is; this asks which text an object
 * goes by, the other half of a contrastive loss, and so what sets it apart from objects of other images. A text may be
 * given for the same object twice: either is right. Mean over prompts with a text for something that is there, rank 0.
 */
export function matchingLoss({ token, embedding, target, weight }: GroundingInputs): Value {
  const [prompts, width] = token.shape as [number, number]
  const covered = coveredBy(target, embedding.shape[2])
  const area = ops.sum(covered, [1])
  const counts = ops.mul(weight, ops.where(ops.less(0, area), 1, 0))
  const apart = ops.sum(
    ops.square(
      ops.sub(
        ops.reshape(covered, [prompts, 1, covered.shape[1]]),
        ops.reshape(covered, [1, prompts, covered.shape[1]])
      )
    ),
    [2]
  )

  const alike = ops.div(ops.matmul(ownToken({ embedding, target }), ops.swap(token)), Math.sqrt(width)) // [P objects, P texts]
  const among = ops.add(alike, ops.mul(ops.sub(ops.reshape(counts, [1, prompts]), 1), 1e4))
  const likelihood = ops.exp(ops.sub(among, ops.reduceMax(ops.stopGradient(among), [1])))
  const right = ops.sum(ops.where(ops.less(apart, 1), likelihood, 0), [1])
  const lost = ops.sub(ops.log(ops.add(ops.sum(likelihood, [1]), 1e-9)), ops.log(ops.add(right, 1e-9)))
  return ops.div(ops.sum(ops.mul(lost, counts), [0]), ops.max(ops.sum(counts, [0]), 1))
}
