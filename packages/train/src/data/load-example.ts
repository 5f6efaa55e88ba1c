import type { DecoderPrompt } from '@sam/core/model'
import type { Bitmap } from '@sam/core'
import type { HostTensor } from '@sam/core/graph'
import { createRng, type Rng } from '@sam/rng'
import type { Recipe } from '../config/recipes.js'
import { firstPrompt } from '../interaction/prompts.js'
import { isLargeEnough, sampleCropRule } from './crop-rule.js'
import type { Dataset } from './dataset.js'
import { example, type Example, type Target } from './example.js'
import type { CropPreprocessor, CropTensors, ObjectCrop } from './first-prompt.js'
import { orderOf } from './order.js'

/** One image with its objects and first prompts, ready for a training step. */
export interface TrainingExample {
  /** Index in the data set. */
  readonly index: number
  /** Normalised and padded, f32[1,3,S,S]. */
  readonly image: HostTensor<'f32'>
  /** The recipe's number of objects, at the resolution of the predictions. */
  readonly truths: readonly Bitmap[]
  /** The first prompt of each; undefined where it is the embedding of its crop. */
  readonly firstPrompts: readonly (DecoderPrompt | undefined)[]
  /** The crops of objects without a first prompt, in their order. */
  readonly crops?: CropTensors
  /** Masks of the image that cannot be used. */
  readonly skippedMasks: number
}

/** Why a sample cannot be used. */
export interface Unfit {
  readonly unfit: string
}

/** Loads the example at a position of the run: the same each time, on any thread. */
export type LoadExample = (position: number) => Promise<TrainingExample | Unfit>

export interface ExampleLoaderOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  readonly seed: number
  /** For recipes with text prompts: how objects are cropped. */
  readonly crops?: CropPreprocessor | undefined
}

/** Loads examples on the calling thread. */
export function exampleLoader({ recipe, data, seed, crops }: ExampleLoaderOptions): LoadExample {
  const { config, objects, text } = recipe
  const order = orderOf(data, seed)
  return async position => {
    const index = order(position)
    const jitter = recipe.jitter && { rng: createRng(seed, position, jitterKey), range: recipe.jitter }
    const loaded = await data
      .read(index)
      .then(sample => ({ ...example(sample, config, jitter), skipped: sample.skipped ?? [] }))
      .catch((error: unknown): Unfit => {
        if ((error as Error).name !== 'InputError') throw error
        return { unfit: (error as Error).message }
      })
    if ('unfit' in loaded) return loaded
    // The crop of a small object cannot be recognised.
    const usable = text ? loaded.targets.filter(({ input }) => isLargeEnough(input)) : loaded.targets
    if (!usable.length) return { unfit: loaded.skipped[0] ?? 'no mask' }
    const rng = createRng(seed, position, objectsKey)
    const targets = sampleObjects(rng, usable, objects)
    const cuts = targets.map(target =>
      text && crops && rng.chance(text.share) ? cropOf(rng, target, { ...loaded, ...text, ...crops }) : undefined
    )
    const cropped = cuts.filter(cut => cut !== undefined)
    return {
      index,
      skippedMasks: loaded.skipped.length,
      image: loaded.image,
      truths: targets.map(({ low }) => low),
      firstPrompts: targets.map(({ input }, i) => (cuts[i] ? undefined : firstPrompt(rng, input)!)),
      ...(crops && cropped.length > 0 && { crops: crops.preprocess(cropped) })
    }
  }
}

/** RNG streams of the jitter, and of objects and first prompts. */
const [jitterKey, objectsKey] = [0x4c534a, 0x505245]

/** Samples `count` of these; each once before any is repeated. */
function sampleObjects<T>(rng: Rng, from: readonly T[], count: number): T[] {
  const left = [...from]
  return Array.from({ length: count }, () => {
    if (left.length === 0) left.push(...from)
    return left.splice(rng.int(0, left.length - 1), 1)[0]
  })
}

/** Samples the crop of an object by the recipe's rule. Paper: D.5. */
export function cropOf(
  rng: Rng,
  target: Target,
  {
    photo,
    targets,
    crop,
    cropMask
  }: Pick<Example, 'photo' | 'targets'> & Pick<NonNullable<Recipe['text']>, 'crop'> & Pick<CropPreprocessor, 'cropMask'>
): ObjectCrop {
  const maskOf = ({ truth }: Target): Bitmap => ({ width: photo.width, height: photo.height, data: truth.mask })
  const rule = sampleCropRule(rng, crop)
  const mask = maskOf(target)
  return { photo, rule, mask: cropMask ? cropMask(rng, mask, targets.map(maskOf)) : mask }
}
