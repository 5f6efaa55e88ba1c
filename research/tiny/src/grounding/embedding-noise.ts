import { normalized } from '@sam/clip'
import type { Rng } from '@sam/rng'

/**
 * Unit-length embeddings, each moved in a random direction by up to `most` of its length, and normalised. A phrase's
 * embedding is some distance away from that of its crop, and a model trained on exact crop embeddings does not
 * generalise that far (Nukrai et al. 2022, "Text-only training for image captioning using noise-injected CLIP"). The
 * direction is a random mixture of the batch's embeddings: embeddings occupy a small subspace, and phrases deviate
 * within it.
 */
export function addEmbeddingNoise(
  rng: Rng,
  embeddings: readonly (Float32Array | undefined)[],
  most: number
): (Float32Array | undefined)[] {
  const among = embeddings.filter(embedding => embedding !== undefined)
  return embeddings.map(embedding => {
    if (!embedding || !most) return embedding
    const mixture = new Float32Array(embedding.length)
    for (const other of among) {
      const part = rng.normal()
      for (let k = 0; k < mixture.length; k++) mixture[k] += part * other[k]
    }
    const [direction, by] = [normalized(mixture), rng.between(0, most)]
    return normalized(embedding.map((x, k) => x + by * direction[k]))
  })
}
