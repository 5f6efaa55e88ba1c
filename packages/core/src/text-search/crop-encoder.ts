import type { RgbImage } from '../image/image.js'
import type { Bitmap } from '../masks/bitmap.js'
import type { EmbedOptions, PhraseEncoder } from '../prompts/phrases.js'

/** Puts parts of pictures into the same space, so that a phrase can be compared with what is there. */
export interface CropEncoder {
  /** One embedding a mask, of length 1: of the object under it in the photo. Masks have the photo's size. */
  embedCrops(photo: RgbImage, masks: readonly Bitmap[], options?: EmbedOptions): Promise<readonly Float32Array[]>
  /** By how much a cosine is multiplied before phrases compete in a softmax: CLIP's learned temperature. */
  readonly scale: number
  /** Phrases for whatever was not asked for: what an object must beat to be called by another phrase. */
  readonly background: readonly string[]
  /**
   * The text score from which a query of route `prompt` or `rank` counts something as found, where it was measured for
   * these background phrases.
   */
  readonly threshold?: number | undefined
}

/** What `loadSam` takes for text: phrases, and, where the encoder has a picture side too, crops. */
export type TextModel = PhraseEncoder & Partial<CropEncoder>
