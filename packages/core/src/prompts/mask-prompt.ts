import { refuse, shown } from '../errors.js'
import type { Frame } from '../image/frame.js'
import type { Bitmap } from '../masks/bitmap.js'
import { Mask } from '../masks/mask.js'
import type { CocoRle, Rle } from '../masks/rle.js'

/**
 * A mask prompt: a mask, bitmap or RLE of the photo's size, or the decoder's raw logits [side, side].
 */
export type MaskPrompt = Mask | Bitmap | Rle | CocoRle | Float32Array

/**
 * The logits [side, side] of a mask prompt. Throws `E_BAD_PROMPT` for another size, values that are not finite, or
 * any other type.
 */
export function maskPromptLogits(mask: MaskPrompt, frame: Frame, side: number): Float32Array {
  if (mask instanceof Float32Array) {
    if (mask.length === side * side && mask.every(Number.isFinite)) return mask
    refuse(
      'E_BAD_PROMPT',
      `mask: logits must be ${side} × ${side} = ${side * side} finite numbers, found ${mask.length}`
    )
  }
  if (typeof mask !== 'object' || mask === null) {
    refuse(
      'E_BAD_PROMPT',
      `mask: must be a Mask, { width, height, data }, { size, counts } or logits, found ${shown(mask)}`
    )
  }
  return toMask(mask).promptLogits(frame, side)
}

const toMask = (mask: Mask | Bitmap | Rle | CocoRle): Mask =>
  'promptLogits' in mask ? mask : 'counts' in mask ? Mask.fromRle(mask) : Mask.fromBitmap(mask)
