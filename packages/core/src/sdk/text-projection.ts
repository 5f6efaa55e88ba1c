import { refuse } from '../errors.js'
import type { PhraseEncoder } from '../prompts/phrases.js'
import type { WeightSource } from '../weights/source.js'

const projection = 'prompt_encoder.text_projection.weight'

/** Dimensions of a checkpoint's text prompts; undefined if it has none. */
export const textWidthOf = (weights: WeightSource): number | undefined =>
  weights.has(projection) ? weights.info(projection).shape[1] : undefined

/**
 * Throws `InputError` `E_BAD_OPTION` if the encoder's dimensions differ from those of the checkpoint's text projection.
 */
export function checkTextModel(text: PhraseEncoder | undefined, width: number | undefined): void {
  if (!text || width === undefined || text.width === width) return
  refuse(
    'E_BAD_OPTION',
    `text: the encoder must have ${width} dimensions, those of the checkpoint's text projection, found ${text.width}; use the encoder that the checkpoint was trained with`
  )
}
