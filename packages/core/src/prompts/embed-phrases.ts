import { refuse } from '../errors.js'
import { unitVector } from '../tensor/unit-vector.js'
import type { PhraseEncoder } from './phrases.js'
import type { CheckedPrompt } from './check-prompt.js'
import type { EmbeddedPrompt } from './prompt.js'

/**
 * Embeds the phrases of validated prompts in one call of the encoder, and normalises all text embeddings to length 1.
 */
export async function embedTexts(
  prompts: readonly CheckedPrompt[],
  text: PhraseEncoder | undefined,
  signal: AbortSignal | undefined
): Promise<EmbeddedPrompt[]> {
  const phrases = prompts.flatMap(prompt => (typeof prompt.text === 'string' ? [prompt.text] : []))
  const embeddings = phrases.length ? await embedPhrases(phrases, text, signal) : []
  let next = 0
  return prompts.map(({ text: given, box, mask, ...rest }) => {
    const prompt: EmbeddedPrompt = { ...rest, ...(box && { box }), ...(mask && { mask }) }
    if (given === undefined) return prompt
    return { ...prompt, text: typeof given === 'string' ? embeddings[next++] : unitVector(given) }
  })
}

/** The phrases' embeddings, validated because encoders may be third-party code. */
export async function embedPhrases(
  phrases: readonly string[],
  text: PhraseEncoder | undefined,
  signal: AbortSignal | undefined
): Promise<readonly Float32Array[]> {
  if (!text)
    refuse(
      'E_BAD_OPTION',
      'text: phrases must have a text encoder, found none; give one to loadSam, for example { text: await loadClip(…) } of @sam/clip, or pass an embedding'
    )
  const embeddings = await text.embed(phrases, { signal })
  signal?.throwIfAborted()
  if (
    embeddings.length !== phrases.length ||
    !embeddings.every(e => e instanceof Float32Array && e.length === text.width && e.every(Number.isFinite))
  ) {
    refuse(
      'E_BACKEND_FAILED',
      `text: the encoder must give ${text.width} finite values for each of ${phrases.length} phrases`
    )
  }
  return embeddings.map(unitVector)
}
