import type { Bitmap } from '@sam/core'
import type { Rng } from '@sam/rng'
import type { TextPrompts } from '@sam/train/toolkit'

/** Cosine from which an embedding may also describe one of the image's own objects. */
const similar = 0.8

/**
 * Replaces text prompts, with probability `share` each, by the crop embedding of another image of the batch, and their
 * objects by empty masks. The masks of such prompts are not trained, but their true IoU is 0 (`maskLoss`): the
 * predicted IoU learns whether a phrase names anything in the image. Not in the paper, which does not say how absence
 * is predicted.
 */
export function addNegativePrompts(
  rng: Rng,
  { truths, texts }: TextPrompts,
  { images, share }: { images: number; share: number }
): TextPrompts {
  if (!share) return { truths, texts }
  const each = truths.length / images
  const imageOf = (i: number): number => Math.floor(i / each)
  const given = texts.flatMap((text, i) => (text ? [{ text, image: imageOf(i) }] : []))
  const chosen = texts.map((text, i) => {
    if (!text || !rng.chance(share)) return undefined
    const others = given.filter(
      ({ image, text: other }) =>
        image !== imageOf(i) && !given.some(own => own.image === imageOf(i) && cosine(own.text, other) > similar)
    )
    return others.length ? rng.pick(others).text : undefined
  })
  return {
    texts: texts.map((text, i) => chosen[i] ?? text),
    truths: truths.map((truth, i) => (chosen[i] ? empty(truth) : truth))
  }
}

const empty = (plane: Bitmap): Bitmap => ({ ...plane, data: new Uint8Array(plane.data.length) })

/** Of unit vectors. */
const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
