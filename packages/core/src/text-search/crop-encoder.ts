import type { RgbImage } from '../image/image.js'
import type { Bitmap } from '../masks/bitmap.js'
import type { EmbedOptions, PhraseEncoder } from '../prompts/phrases.js'

/** An image encoder in the same embedding space as the phrases: embeds crops of a photo. */
export interface CropEncoder {
  /** One embedding per mask, of length 1, of the masked object. Masks have the photo's size. */
  embedCrops(photo: RgbImage, masks: readonly Bitmap[], options?: EmbedOptions): Promise<readonly Float32Array[]>
  /** Factor on cosine similarities before the softmax over phrases: CLIP's learned logit scale. */
  readonly scale: number
  /** Background phrases: negatives in the softmax of every query. */
  readonly background: readonly string[]
  /**
   * Default threshold on the text score for routes `prompt` and `rank`, if it was measured for these background
   * phrases.
   */
  readonly threshold?: number | undefined
}

/** The text model of `loadSam`: embeds phrases and, if it has an image encoder, crops. */
export type TextModel = PhraseEncoder & Partial<CropEncoder>
