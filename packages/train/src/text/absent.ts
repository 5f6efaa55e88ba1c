import type { Target } from '../example.js'
import type { Random } from '../random.js'

export interface FirstPrompts {
  /** As many of each image, side by side. */
  readonly targets: readonly Target[]
  /** For each of them the embedding of its crop, where that is its first prompt. */
  readonly texts: readonly (Float32Array | undefined)[]
}

/** An embedding as like as this to one of the image's own, as a cosine, may be true of it. */
const alike = 0.8

/**
 * Some of the texts exchanged for a crop of another image of the batch, and their targets for nothing: what is asked for is not here. The masks of such prompts teach
 * nothing, but their true IoU is 0 (`maskLoss`), and so the predicted one learns to tell whether a phrase names anything at all. Not of the paper, which leaves
 * open how a text says *not here*. `share` is the probability of an exchange.
 */
export function withAbsent(draw: Random, { targets, texts }: FirstPrompts, { images, share }: { images: number; share: number }): FirstPrompts {
  if (!share) return { targets, texts }
  const each = targets.length / images
  const imageOf = (i: number): number => Math.floor(i / each)
  const given = texts.flatMap((text, i) => text ? [{ text, image: imageOf(i) }] : [])
  const chosen = texts.map((text, i) => {
    if (!text || !draw.chance(share)) return undefined
    const others = given.filter(({ image, text: other }) => image !== imageOf(i) && !given.some(own => own.image === imageOf(i) && cosine(own.text, other) > alike))
    return others.length ? draw.pick(others).text : undefined
  })
  return { texts: texts.map((text, i) => chosen[i] ?? text), targets: targets.map((target, i) => chosen[i] ? nothing(target) : target) }
}

const nothing = ({ input, low, truth }: Target): Target =>
  ({ input: { ...input, data: new Uint8Array(input.data.length) }, low: { ...low, data: new Uint8Array(low.data.length) }, truth })

/** Of vectors of length 1. */
const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
