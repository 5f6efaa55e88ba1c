import { constant, full, ops, type Value } from '@sam/core/graph'

export interface GroundingInputs {
  /** Text tokens from the prompt encoder, [P, C]. */
  readonly token: Value
  /** Image embeddings, [B, C, g, g]; prompt i belongs to image ⌊i · B / P⌋. */
  readonly embedding: Value
  /** The objects, 0 and 1, [P, 4g, 4g]. */
  readonly target: Value
  /** Weight of each prompt in the mean, [P]: 0 without text. Prompts with an empty target have weight 0 too. */
  readonly weight: Value
}

/** The mask-pooled prototype of each object: the mean of the image embedding over its mask, [P, C]. */
export function maskPooledPrototype({ embedding, target }: Pick<GroundingInputs, 'embedding' | 'target'>): Value {
  const [images, width, g] = embedding.shape as [number, number, number, number]
  const [prompts, positions] = [target.shape[0], g * g]
  const covered = coveredBy(target, g)
  const share = ops.div(covered, ops.max(ops.reduceSum(covered, [1]), 1))
  const means = ops.matmul(
    ops.reshape(share, [images, prompts / images, positions]),
    ops.swap(ops.reshape(embedding, [images, width, positions]))
  )
  return ops.reshape(means, [prompts, width])
}

/** Pixels of a target in each grid cell: [P, 4g, 4g] → [P, g²], 0 … 16. */
const coveredBy = (target: Value, g: number): Value =>
  ops.reshape(ops.sum(ops.reshape(target, [target.shape[0], g, 4, g, 4]), [2, 4]), [target.shape[0], g * g])

/**
 * Cross entropy between where a text token attends (softmax over the grid of inner products / √C, as in attention) and
 * where its object is. Mean over prompts, rank 0. Not in the paper, whose 120k iterations of 128 images learn this from
 * the mask loss alone; a small model trained for hours does not.
 */
export function groundingLoss({ token, embedding, target, weight }: GroundingInputs): Value {
  const [images, width, g] = embedding.shape as [number, number, number, number]
  const [prompts, positions] = [token.shape[0], g * g]
  const similarity = ops.matmul(
    ops.reshape(token, [images, prompts / images, width]),
    ops.reshape(embedding, [images, width, positions])
  )
  const logits = ops.reshape(ops.div(similarity, Math.sqrt(width)), [prompts, positions])
  const shifted = ops.sub(logits, ops.reduceMax(ops.stopGradient(logits), [1]))
  const logTotal = ops.log(ops.sum(ops.exp(shifted), [1])) // [P]

  const covered = coveredBy(target, g)
  const area = ops.sum(covered, [1])
  const counts = ops.mul(weight, ops.div(area, ops.max(area, 1)))
  const inside = ops.div(ops.sum(ops.mul(covered, shifted), [1]), ops.max(area, 1))
  return ops.div(ops.sum(ops.mul(ops.sub(logTotal, inside), counts), [0]), ops.max(ops.sum(counts, [0]), 1))
}

/**
 * `groundingLoss` of every object's own mask-pooled prototype: makes the positions of an object similar to each other
 * and to no others. Rank 0.
 */
export const prototypeLoss = ({ embedding, target }: Pick<GroundingInputs, 'embedding' | 'target'>): Value =>
  groundingLoss({
    token: maskPooledPrototype({ embedding, target }),
    embedding,
    target,
    weight: constant(full('f32', [target.shape[0]], 1))
  })

/**
 * Cross entropy between an object's prototype (`maskPooledPrototype`) and the text tokens of the batch: `groundingLoss`
 * classifies positions for a text, this one texts for an object: the other half of a contrastive loss, which also
 * separates objects of different images. Two texts of the same object both count as correct. Mean over prompts with a
 * text and a non-empty target, rank 0.
 */
export function matchingLoss({ token, embedding, target, weight }: GroundingInputs): Value {
  const [prompts, width] = token.shape as [number, number]
  const covered = coveredBy(target, embedding.shape[2])
  const area = ops.sum(covered, [1])
  const counts = ops.mul(weight, ops.where(ops.less(0, area), 1, 0))
  const distance = ops.sum(
    ops.square(
      ops.sub(
        ops.reshape(covered, [prompts, 1, covered.shape[1]]),
        ops.reshape(covered, [1, prompts, covered.shape[1]])
      )
    ),
    [2]
  )

  // [P objects, P texts]
  const similarity = ops.div(ops.matmul(maskPooledPrototype({ embedding, target }), ops.swap(token)), Math.sqrt(width))
  const among = ops.add(similarity, ops.mul(ops.sub(ops.reshape(counts, [1, prompts]), 1), 1e4))
  const likelihood = ops.exp(ops.sub(among, ops.reduceMax(ops.stopGradient(among), [1])))
  const right = ops.sum(ops.where(ops.less(distance, 1), likelihood, 0), [1])
  const lost = ops.sub(ops.log(ops.add(ops.sum(likelihood, [1]), 1e-9)), ops.log(ops.add(right, 1e-9)))
  return ops.div(ops.sum(ops.mul(lost, counts), [0]), ops.max(ops.sum(counts, [0]), 1))
}
