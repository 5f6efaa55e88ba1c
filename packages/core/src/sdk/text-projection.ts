import { refuse } from '../errors.js'
import type { PhraseEncoder } from '../prompts/phrases.js'
import type { WeightSource } from '../weights/source.js'

const projection = 'prompt_encoder.text_projection.weight'

/** Dimensions of the text embedding that a checkpoint takes; undefined where it takes none. */
export const textWidthOf = (weights: WeightSource): number | undefined =>
  weights.has(projection) ? weights.info(projection).shape[1] : undefined

/**
 * Throws `InputError` `E_BAD_OPTION` for an encoder whose space is not the one that the checkpoint's projection was
 * trained on.
 */
export function checkTextModel(text: PhraseEncoder | undefined, width: number | undefined): void {
  if (!text || width === undefined || text.width === width) return
  refuse(
    'E_BAD_OPTION',
    `text: the encoder gives ${text.width} numbers a phrase, this checkpoint's text projection takes ${width}; give it the encoder it was trained with`
  )
}
