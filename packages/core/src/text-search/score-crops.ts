import { refuse } from '../errors.js'
import type { RgbImage } from '../image/image.js'
import { embedPhrases } from '../prompts/embed-phrases.js'
import type { PhraseEncoder } from '../prompts/phrases.js'
import { batches } from '../tensor/batches.js'
import type { CropEncoder, TextModel } from './crop-encoder.js'
import type { Mask } from '../masks/mask.js'

/** A text encoder with an image encoder in the same space. */
export type TextAndCrops = PhraseEncoder & CropEncoder

/** The text model with its image encoder. Throws `E_BAD_OPTION` if it has none. */
export function cropEncoderOf(text: TextModel | undefined, route: string): TextAndCrops {
  if (text?.embedCrops && text.scale !== undefined && text.background) return text as TextAndCrops
  refuse(
    'E_BAD_OPTION',
    `route '${route}' must have a text encoder with an image encoder, found none; give loadSam for example ` +
      "{ text: await loadClip(…) } of @sam/clip. Without one, predict({ text }) gives masks without a score, and route 'detect' uses a detector"
  )
}

/** The embedded phrases of a softmax, and its logit scale. */
export interface ComparedPhrases {
  readonly embeddings: readonly Float32Array[]
  readonly scale: number
}

/** Embeds the phrase, the negatives, and the encoder's background phrases. */
export const comparedPhrases = async (
  encoder: TextAndCrops,
  phrases: readonly string[],
  signal: AbortSignal | undefined
): Promise<ComparedPhrases> => ({
  embeddings: await embedPhrases(
    [...phrases, ...encoder.background.filter(b => !phrases.includes(b))],
    encoder,
    signal
  ),
  scale: encoder.scale
})

/** A mask and its text score. */
export interface ScoredMask {
  readonly mask: Mask
  readonly score: number
}

/** Each mask's probability of the first phrase, from the embedding of its crop. */
export const scoreMasks = (
  masks: readonly Mask[],
  crops: readonly Float32Array[],
  { embeddings, scale }: ComparedPhrases
): ScoredMask[] =>
  masks.map((mask, i) => {
    const logits = embeddings.map(text => scale * text.reduce((sum, x, k) => sum + x * crops[i][k], 0))
    const most = Math.max(...logits)
    const powers = logits.map(logit => Math.exp(logit - most))
    return { mask, score: powers[0] / powers.reduce((a, b) => a + b, 0) }
  })

/** Masks per batch, whose bitmaps are in memory at the same time. */
const masksPerBatch = 8

/** Embeds each mask's crop. */
export async function embedMasks(
  image: { photo(): Promise<RgbImage> },
  masks: readonly Mask[],
  { encoder, signal }: { encoder: TextAndCrops; signal: AbortSignal | undefined }
): Promise<Float32Array[]> {
  const photo = await image.photo()
  const found: Float32Array[] = []
  for (const batch of batches(masks, masksPerBatch)) {
    const bitmaps = batch.map(mask => ({
      width: mask.width,
      height: mask.height,
      data: mask.bitmap({ keep: false })
    }))
    const embeddings = await encoder.embedCrops(photo, bitmaps, { signal })
    signal?.throwIfAborted()
    if (
      embeddings.length !== bitmaps.length ||
      !embeddings.every(e => e.length === encoder.width && e.every(Number.isFinite))
    ) {
      refuse(
        'E_BACKEND_FAILED',
        `text: the encoder must give ${encoder.width} finite values for each of ${bitmaps.length} crops`
      )
    }
    found.push(...embeddings)
  }
  return found
}
