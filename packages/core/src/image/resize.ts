import { bilinearTaps, type Taps } from '../tensor/interpolate.js'
import type { RgbImage } from './image.js'

/** Whole pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * The size whose longer side is `side`, rounded as Meta rounds it:
 * `utils/transforms.py#ResizeLongestSide.get_preprocess_shape`. A side never becomes 0 (Meta's does, and then fails,
 * for images more than 2·`side` times as long as wide).
 */
export function longestSideSize({ width, height }: Size, side: number): Size {
  const scale = side / Math.max(width, height)
  return { width: Math.max(1, Math.floor(width * scale + 0.5)), height: Math.max(1, Math.floor(height * scale + 0.5)) }
}

/**
 * Antialiased bilinear resize, byte for byte what Pillow's `Image.resize(size, BILINEAR)` gives on 8-bit RGB: first
 * along rows, then along columns, each pass in fixed point and rounded to a byte (Resample.c). Meta's preprocessing is
 * this resize.
 */
export function resizeImage(image: RgbImage, { width, height }: Size): RgbImage {
  const rows = resampleAxis(image.data, bilinearTaps(image.width, width, { antialias: true }), {
    outer: image.height,
    inner: 3
  })
  return {
    width,
    height,
    data: resampleAxis(rows, bilinearTaps(image.height, height, { antialias: true }), { outer: 1, inner: width * 3 })
  }
}

/** 8 bits of pixel, 2 of head room, the rest of an int32 for the fraction. Pillow: `PRECISION_BITS`. */
const fractionBits = 32 - 8 - 2

/** Applies the taps along the middle axis of bytes [outer, taps.inSize, inner]. */
function resampleAxis(data: Uint8Array, taps: Taps, { outer, inner }: { outer: number; inner: number }): Uint8Array {
  const { inSize, outSize, width, first, count } = taps
  if (inSize === outSize) return data
  const weights = Int32Array.from(taps.weights, w => Math.floor(w * (1 << fractionBits) + 0.5))
  const out = new Uint8Array(outer * outSize * inner)
  for (let o = 0, at = 0; o < outer; o++) {
    for (let i = 0; i < outSize; i++) {
      const from = (o * inSize + first[i]) * inner
      const row = i * width
      const n = count[i]
      for (let j = 0; j < inner; j++) {
        let sum = 1 << (fractionBits - 1)
        for (let k = 0, source = from + j; k < n; k++, source += inner) sum += data[source] * weights[row + k]
        // Rounded weights may add up to a hair over one: clip, as Pillow's clip8 does. A triangle has no negative
        // weights.
        out[at++] = Math.min(255, sum >> fractionBits)
      }
    }
  }
  return out
}
