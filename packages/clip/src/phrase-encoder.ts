import { checkPhrase, type PhraseEncoder } from '@sam/core/model'
import { batches, readOptions, refuse, shown } from '@sam/core/graph'
import { checkTemplates, fill } from './templates.js'
import { average, normalized } from './vectors.js'

export interface PhraseOptions {
  /**
   * Prompt templates with `{}` for the phrase; their embeddings are averaged. Default: the phrase alone. See
   * `photoTemplates`.
   */
  readonly templates?: readonly string[] | undefined
  /** Number of phrases whose embeddings are cached (least recently used are evicted). Default 1000. */
  readonly cache?: number | undefined
}

/** A text model: embeds batches of sentences, without normalisation. */
export interface SentenceModel {
  readonly width: number
  /** Maximum number of sentences per run. */
  readonly batch: number
  /** Throws `InputError` `E_DISPOSED` once the model is disposed. */
  checkOpen(): void
  /** Throws `E_BAD_PROMPT` for a sentence that the model does not support, before running it. */
  check(sentence: string): void
  run(sentences: readonly string[], signal?: AbortSignal): Promise<readonly ArrayLike<number>[]>
}

/**
 * A phrase encoder on a text model: phrases are validated, inserted into templates, embedded in batches, averaged and
 * cached. Only complete embeddings are cached.
 */
export function phraseEncoder(
  model: SentenceModel,
  { templates: given = ['{}'], cache = 1000 }: PhraseOptions
): PhraseEncoder {
  const templates = checkTemplates(given)
  if (!(cache >= 0)) refuse('E_BAD_OPTION', `cache: must be a number of phrases from 0, found ${shown(cache)}`)
  const known = new Map<string, Float32Array>()
  const remember = (phrase: string, embedding: Float32Array): void => {
    known.delete(phrase)
    known.set(phrase, embedding)
    for (const oldest of known.keys()) {
      if (known.size <= cache) break
      known.delete(oldest)
    }
  }
  return {
    width: model.width,
    async embed(phrases, options = {}) {
      const { signal } = readOptions('embed', options, { signal: true })
      signal?.throwIfAborted()
      model.checkOpen()
      if (!Array.isArray(phrases)) refuse('E_BAD_PROMPT', `phrases: must be an array, found ${shown(phrases)}`)
      const texts = Array.from(phrases as readonly string[], checkPhrase)
      const found = new Map(texts.flatMap(text => (known.has(text) ? [[text, known.get(text)!]] : [])))
      const missing = [...new Set(texts)].filter(text => !found.has(text))
      const sentences = missing.flatMap(text => templates.map(template => fill(template, text)))
      for (const sentence of sentences) model.check(sentence)
      const vectors: Float32Array[] = []
      for (const batch of batches(sentences, model.batch)) {
        vectors.push(...(await model.run(batch, signal)).map(normalized))
        signal?.throwIfAborted()
      }
      for (const [i, text] of missing.entries())
        found.set(text, average(vectors.slice(i * templates.length, (i + 1) * templates.length)))
      for (const [text, embedding] of found) remember(text, embedding)
      return texts.map(text => found.get(text)!.slice())
    }
  }
}
