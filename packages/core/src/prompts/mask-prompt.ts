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
 * The logits [side, side] of a mask prompt, in an array of their own. Throws `E_BAD_PROMPT` for another size, values
 * that are not finite, or any other type.
 */
export function maskPromptLogits(mask: MaskPrompt, frame: Frame, side: number): Float32Array {
  if (mask instanceof Float32Array && mask.length !== side * side)
    refuse(
      'E_BAD_PROMPT',
      `mask: logits must be ${side} × ${side} = ${side * side} finite numbers, found ${mask.length}`
    )
  if (typeof mask !== 'object' || mask === null) {
    refuse(
      'E_BAD_PROMPT',
      `mask: must be a Mask, { width, height, data }, { size, counts } or logits, found ${shown(mask)}`
    )
  }
  const logits = mask instanceof Float32Array ? mask : toMask(mask).promptLogits(frame, side)
  // Also of a mask: what it returns as `lowResLogits` can be written to.
  const copy = new Float32Array(logits)
  if (copy.length === side * side && copy.every(Number.isFinite)) return copy
  return refuse('E_BAD_PROMPT', `mask: logits must be finite, found NaN or an infinite value`)
}

function toMask(mask: Mask | Bitmap | Rle | CocoRle): Mask {
  if (!('counts' in mask)) return Mask.from(mask)
  const { size, counts } = mask
  return Mask.fromRle(Array.isArray(counts) ? { size, counts: Array.from(counts as Rle['counts']) } : mask)
}
