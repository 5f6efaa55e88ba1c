import { cropFeeds, type ClipConfig, type CropFeeds } from '@sam/clip'
import type { HostTensor } from '@sam/core/graph'
import type { Dataset } from './data/dataset.js'
import { orderOf } from './data/order.js'
import { example } from './example.js'
import { firstPrompt, type PromptTokens } from './interactive.js'
import type { Plane } from './prompts/plane.js'
import { random, type Random } from './random.js'
import type { Recipe } from './recipes.js'
import { isNameable } from './text/crop-rule.js'
import { cutOf } from './text/cut.js'

/**
 * What one sample brings to a step: all of the host's work that asks no device, and so can be done by other threads
 * (`preparers`).
 */
export interface Prepared {
  /** Its number in the dataset. */
  readonly place: number
  /** Normalised and padded, f32[1,3,S,S]. */
  readonly image: HostTensor<'f32'>
  /** Its objects, as many as the recipe says, in the size of the model's answers. */
  readonly truths: readonly Plane[]
  /** How each of them is first asked for; undefined where that is by its crop … */
  readonly first: readonly (PromptTokens | undefined)[]
  /** … and the crops of those, in their order. */
  readonly crops?: CropFeeds
}

/** Why there is nothing to learn from a sample. */
export interface Unfit {
  readonly unfit: string
}

/** What the sample at a place of the run brings: always the same. */
export type Prepare = (place: number) => Promise<Prepared | Unfit>

export interface PreparationOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  readonly seed: number
  /** The CLIP that a recipe with text prompts learns them from: what it sees. */
  readonly clip?: Pick<ClipConfig, 'vision'> | undefined
}

/** Prepares samples on this thread. */
export function preparation({ recipe, data, seed, clip }: PreparationOptions): Prepare {
  const { config, objects, text } = recipe
  const order = orderOf(data, seed)
  return async at => {
    const place = order(at)
    const jitter = recipe.jitter && { draw: random(seed, at, jitterKey), range: recipe.jitter }
    const found = await data
      .read(place)
      .then(sample => example(sample, config, jitter))
      .catch((error: unknown): Unfit => {
        if ((error as Error).name !== 'InputError') throw error
        return { unfit: (error as Error).message }
      })
    if ('unfit' in found) return found
    // What a text prompt is learnt from must be large enough to be named.
    const able = text ? found.targets.filter(({ input }) => isNameable(input)) : found.targets
    if (!able.length) return { unfit: 'no mask' }
    const draw = random(seed, at, prepareKey)
    const targets = pick(draw, able, objects)
    const cuts = targets.map(target =>
      text && clip && draw.chance(text.share) ? cutOf(draw, target, { ...found, ...text }) : undefined
    )
    const given = cuts.filter(cut => cut !== undefined)
    return {
      place,
      image: found.image,
      truths: targets.map(({ low }) => low),
      first: targets.map(({ input }, i) => (cuts[i] ? undefined : firstPrompt(draw, input)!)),
      ...(clip && given.length > 0 && { crops: cropFeeds(given, clip) })
    }
  }
}

/** Keep these draws apart from others with as many keys. */
const [jitterKey, prepareKey] = [0x4c534a, 0x505245]

/** So many of these by chance; all, and some again, where there are fewer. */
function pick<T>(draw: Random, from: readonly T[], count: number): T[] {
  const left = [...from]
  return Array.from({ length: count }, () => {
    if (left.length === 0) left.push(...from)
    return left.splice(draw.int(0, left.length - 1), 1)[0]
  })
}
