import type { Plane } from '../prompts/plane.js'
import type { Random } from '../random.js'

export interface TextPrompts {
  /** Objects in the size of the model's answers, as many of each image, side by side. */
  readonly truths: readonly Plane[]
  /** For each of them the embedding of its crop, where that is its first prompt. */
  readonly texts: readonly (Float32Array | undefined)[]
}

/** An embedding as like as this to one of the image's own, as a cosine, may be true of it. */
const alike = 0.8

/**
 * Some of the texts exchanged for a crop of another image of the batch, and their objects for nothing: what is asked
 * for is not here. The masks of such prompts teach nothing, but their true IoU is 0 (`maskLoss`), and so the predicted
 * one learns to tell whether a phrase names anything at all. Not of the paper, which leaves open how a text says *not
 * here*. `share` is the probability of an exchange.
 */
export function withAbsent(
  draw: Random,
  { truths, texts }: TextPrompts,
  { images, share }: { images: number; share: number }
): TextPrompts {
  if (!share) return { truths, texts }
  const each = truths.length / images
  const imageOf = (i: number): number => Math.floor(i / each)
  const given = texts.flatMap((text, i) => (text ? [{ text, image: imageOf(i) }] : []))
  const chosen = texts.map((text, i) => {
    if (!text || !draw.chance(share)) return undefined
    const others = given.filter(
      ({ image, text: other }) =>
        image !== imageOf(i) && !given.some(own => own.image === imageOf(i) && cosine(own.text, other) > alike)
    )
    return others.length ? draw.pick(others).text : undefined
  })
  return {
    texts: texts.map((text, i) => chosen[i] ?? text),
    truths: truths.map((truth, i) => (chosen[i] ? nothing(truth) : truth))
  }
}

const nothing = (plane: Plane): Plane => ({ ...plane, data: new Uint8Array(plane.data.length) })

/** Of vectors of length 1. */
const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
