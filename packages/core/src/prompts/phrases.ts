import { refuse, shown } from '../errors.js'

export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * A text encoder: embeds phrases. `@sam/clip` has implementations; any model with a joint text-image embedding works.
 */
export interface PhraseEncoder {
  /** Dimensions of an embedding. */
  readonly width: number
  /**
   * One embedding per phrase, of length 1. Throws `InputError` `E_BAD_PROMPT` for an invalid phrase (
   * `checkPhrase`) or too many tokens.
   */
  embed(phrases: readonly string[], options?: EmbedOptions): Promise<readonly Float32Array[]>
}

/** Maximum length of a phrase, in UTF-16 code units. Encoders may allow less. */
export const maxPhraseLength = 1000

/**
 * The phrase without surrounding white space. Throws `E_BAD_PROMPT` unless it is a non-empty string of at most
 * `maxPhraseLength` characters.
 */
export function checkPhrase(phrase: unknown): string {
  if (typeof phrase !== 'string') refuse('E_BAD_PROMPT', `phrase: must be a string, found ${shown(phrase)}`)
  if (phrase.length > maxPhraseLength)
    refuse(
      'E_BAD_PROMPT',
      `phrase: must have at most ${maxPhraseLength} characters, found ${phrase.length}; name the object in a few words`
    )
  const text = phrase.trim()
  if (text === '') refuse('E_BAD_PROMPT', 'phrase: must not be empty, found only white space')
  return text
}
