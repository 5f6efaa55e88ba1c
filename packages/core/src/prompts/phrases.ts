import { refuse, shown } from '../errors.js'

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

/** The longest phrase, in UTF-16 code units. Encoders may allow less. */
export const maxPhraseLength = 1000

/**
 * The phrase without white space around it. Throws `E_BAD_PROMPT` unless it is a string with something in it and of at
 * most {@link maxPhraseLength} characters.
 */
export function checkPhrase(phrase: unknown): string {
  if (typeof phrase !== 'string') refuse('E_BAD_PROMPT', `phrase: it must be a string, found ${shown(phrase)}`)
  if (phrase.length > maxPhraseLength)
    refuse(
      'E_BAD_PROMPT',
      `phrase: it may have at most ${maxPhraseLength} characters, found ${phrase.length}; name the thing in a few words`
    )
  const text = phrase.trim()
  if (text === '') refuse('E_BAD_PROMPT', 'phrase: it must name something, found nothing but white space')
  return text
}
