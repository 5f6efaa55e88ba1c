import { BackendError, InputError } from '../errors.js'
import type { WeightSource } from '../weights/source.js'
import type { TextModel } from './phrases.js'
import type { Prompt, ReadyPrompt } from './prompt.js'

const projection = 'prompt_encoder.text_projection.weight'

/** Numbers of the text embedding that a checkpoint takes; undefined where it takes none. */
export const textWidthOf = (weights: WeightSource): number | undefined =>
  weights.has(projection) ? weights.info(projection).shape[1] : undefined

/**
 * Throws `InputError` `E_BAD_OPTION` for an encoder whose space is not the one that the checkpoint's projection was
 * trained on.
 */
export function checkTextModel(text: TextModel | undefined, width: number | undefined): void {
  if (!text || width === undefined || text.width === width) return
  throw new InputError(
    'E_BAD_OPTION',
    `text: the encoder gives ${text.width} numbers a phrase, this checkpoint's text projection takes ${width}; give it the encoder it was trained with`
  )
}

/**
 * Prompts with their phrases embedded, all in one call of the encoder, and every embedding of length 1. The prompts are
 * checked.
 */
export async function embedTexts(
  prompts: readonly Prompt[],
  text: TextModel | undefined,
  signal: AbortSignal | undefined
): Promise<ReadyPrompt[]> {
  const phrases = prompts.flatMap(prompt => (typeof prompt.text === 'string' ? [prompt.text] : []))
  const embeddings = phrases.length ? await embedPhrases(phrases, text, signal) : []
  let next = 0
  return prompts.map(({ text: given, ...rest }) => {
    if (given === undefined) return rest
    return { ...rest, text: typeof given === 'string' ? embeddings[next++] : unit(given) }
  })
}

/** The phrases' embeddings, checked: an encoder is code of someone else's. */
export async function embedPhrases(
  phrases: readonly string[],
  text: TextModel | undefined,
  signal: AbortSignal | undefined
): Promise<readonly Float32Array[]> {
  if (!text)
    throw new InputError(
      'E_BAD_OPTION',
      'text: words need a text encoder; give one to loadSam, for example { text: await loadClip(…) } of @sam/clip, or pass an embedding'
    )
  const embeddings = await text.embed(phrases, { signal })
  signal?.throwIfAborted()
  if (
    embeddings.length !== phrases.length ||
    !embeddings.every(e => e instanceof Float32Array && e.length === text.width && e.every(Number.isFinite))
  ) {
    throw new BackendError(
      'E_BACKEND_FAILED',
      `text: the encoder must give ${text.width} finite numbers for each of ${phrases.length} phrases`
    )
  }
  return embeddings.map(unit)
}

/** The vector divided by its length; a vector of zeros stays what it is. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector) || 1
  return vector.map(x => x / length)
}
