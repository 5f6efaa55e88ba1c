import { InputError, shown } from '../errors.js'
import type { RgbImage } from '../image/image.js'
import type { Bitmap } from '../masks/bitmap.js'

export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Turns phrases into points of a space. `@sam/clip` makes them; any model with such a space may serve (the paper's
 * words).
 */
export interface PhraseEncoder {
  /** Numbers of an embedding. */
  readonly width: number
  /**
   * One embedding a phrase, of length 1. Throws `InputError` `E_BAD_PROMPT` for a phrase that cannot be read ({@link
   * checkPhrase}, and too many tokens).
   */
  embed(phrases: readonly string[], options?: EmbedOptions): Promise<readonly Float32Array[]>
}

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

/** The longest phrase, in UTF-16 code units. Encoders may allow less. */
export const maxPhraseLength = 1000

/**
 * The phrase without white space around it. Throws `E_BAD_PROMPT` unless it is a string with something in it and of at
 * most {@link maxPhraseLength} characters.
 */
export function checkPhrase(phrase: unknown): string {
  if (typeof phrase !== 'string') throw bad(`must be a string, found ${shown(phrase)}`)
  if (phrase.length > maxPhraseLength)
    throw bad(`may have at most ${maxPhraseLength} characters, found ${phrase.length}; name the thing in a few words`)
  const text = phrase.trim()
  if (text === '') throw bad('must name something, found nothing but white space')
  return text
}

const bad = (what: string): InputError => new InputError('E_BAD_PROMPT', `phrase: it ${what}`)
