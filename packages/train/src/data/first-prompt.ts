import type { Bitmap, RgbImage } from '@sam/core'
import { InputError, type HostTensor } from '@sam/core/graph'
import type { Rng } from '@sam/rng'
import type { Recipe } from '../config/recipes.js'
import type { CropRule } from './crop-rule.js'

/** An object to be cropped from its photo. */
export interface ObjectCrop {
  readonly photo: RgbImage
  /** Of the photo's size. */
  readonly mask: Bitmap
  readonly rule: CropRule
}

/** Crops as the inputs of a CLIP image encoder; `cropFeeds` of `@sam/clip` makes them. */
export interface CropTensors {
  /** f32[crops,3,S,S], normalised. */
  readonly pixel_values: HostTensor<'f32'>
  /** f32[crops,g²]: 1 where a patch touches the object. */
  readonly mask_patches: HostTensor<'f32'>
}

/** The part of a crop prompt computed on the host, where examples are loaded: also in data workers. */
export interface CropPreprocessor {
  readonly preprocess: (crops: readonly ObjectCrop[]) => CropTensors
  /** Replaces the mask of an object's crop; `others` are all masks of the image. Default: the mask itself. */
  readonly cropMask?: (rng: Rng, mask: Bitmap, others: readonly Bitmap[]) => Bitmap
}

/**
 * First prompts that are embeddings of the objects' crops (paper, D.5), given by the caller: `sam train` uses
 * `@sam/clip`. At inference, text embeddings of the same space replace them.
 */
export interface FirstPrompt extends CropPreprocessor {
  /** Dimensions of an embedding. */
  readonly width: number
  /** Unit-length embeddings, one per crop. */
  readonly embed: (crops: CropTensors) => Promise<readonly Float32Array[]>
  /** Changes a batch before it is used, for example by noise or by negatives. Default: unchanged. */
  readonly augment?: (prompts: TextPrompts, at: AugmentContext) => TextPrompts
}

/** The objects of a micro-batch and their embeddings. */
export interface TextPrompts {
  /** Objects at the resolution of the predictions: the same number for each image, adjacent. */
  readonly truths: readonly Bitmap[]
  /** The embedding of each, where it is the first prompt. */
  readonly texts: readonly (Float32Array | undefined)[]
}

/** What an augmentation may depend on. */
export interface AugmentContext {
  /** The micro-step's own generator. */
  readonly rng: Rng
  readonly seed: number
  /** Number of the micro-step in the run. */
  readonly micro: number
  /** Images in the micro-batch. */
  readonly images: number
}

/** Throws `InputError` `E_BAD_OPTION` where a recipe with text prompts has no `firstPrompt` of its width. */
export function checkFirstPrompt(
  { name, text }: Pick<Recipe, 'name' | 'text'>,
  prompt: Pick<FirstPrompt, 'width'> | undefined
): void {
  if (!text || prompt?.width === text.width) return
  throw new InputError(
    'E_BAD_OPTION',
    `recipe ${name}: text prompts of ${text.width} dimensions need a CLIP of the same width as firstPrompt, found ${prompt ? `one of ${prompt.width}` : 'none'}`
  )
}
