import { applyTaps, bilinearTaps, composeTaps, type Taps } from '../tensor/interpolate.js'
import type { Frame } from '../image/frame.js'

/** The resize of a low-resolution mask to the photo, as one sparse map along each axis. */
export interface PhotoTaps {
  readonly across: Taps
  readonly down: Taps
}

/**
 * The composition of Meta's modeling/sam.py#postprocess_masks: bilinear from `side` × `side` to the square input, crop
 * of the padding, bilinear to the photo. Made once for each frame, and shared by its masks.
 */
export function photoTaps(side: number, frame: Frame): PhotoTaps {
  const known = tapsOf.get(frame)
  if (known?.across.inSize === side) return known
  const [height, width] = frame.originalSize
  const toSquare = bilinearTaps(side, frame.imageSize)
  const taps = {
    across: composeTaps(toSquare, bilinearTaps(frame.inputSize[1], width)),
    down: composeTaps(toSquare, bilinearTaps(frame.inputSize[0], height))
  }
  tapsOf.set(frame, taps)
  return taps
}

const tapsOf = new WeakMap<Frame, PhotoTaps>()

/** Logits of the photo's pixels, [height, width], from a low-resolution mask [side, side]. */
export function upscaleLogits(lowRes: Float32Array, frame: Frame): Float32Array {
  const side = Math.sqrt(lowRes.length)
  const { across, down } = photoTaps(side, frame)
  return applyTaps(down, applyTaps(across, lowRes, { outer: side }), { inner: across.outSize })
}
