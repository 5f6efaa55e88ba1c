import type { Bitmap, Box } from '@sam/core'
import { bitmapBox } from '@sam/core/model'

/** Number of pixels inside a mask, or inside both masks. */
export function areaOf(mask: Uint8Array, also = mask): number {
  let area = 0
  for (let i = 0; i < mask.length; i++) if (mask[i] && also[i]) area++ // faster than an iterator
  return area
}

/**
 * Smallest box around all non-zero pixels: [x0, y0, x1, y1] in pixel indices, both ends included. Undefined for an
 * empty mask.
 */
export function boundsOf(mask: Bitmap): Box | undefined {
  const [x0, y0, x1, y1] = bitmapBox(mask)
  return x1 > x0 ? [x0, y0, x1 - 1, y1 - 1] : undefined
}

export interface ScaledOptions {
  /** Size that the mask is scaled to. */
  readonly to: { readonly width: number; readonly height: number }
  /** Size of the result: the region from `at` on, padded with 0. */
  readonly out: { readonly width: number; readonly height: number }
  /** Left and top. Default: [0, 0]. */
  readonly at?: readonly [number, number]
}

/** A mask of 0 and 1 resized by nearest neighbour, cropped or padded. */
export function scaledPlane(
  { width, height, data }: Bitmap,
  { to, out, at: [left, top] = [0, 0] }: ScaledOptions
): Bitmap {
  const scaled = new Uint8Array(out.width * out.height)
  const [right, bottom] = [Math.min(out.width, to.width - left), Math.min(out.height, to.height - top)]
  const columns = Int32Array.from({ length: Math.max(0, right) }, (_, x) =>
    Math.min(width - 1, Math.floor(((left + x + 0.5) * width) / to.width))
  )
  for (let y = 0; y < bottom; y++) {
    const row = Math.min(height - 1, Math.floor(((top + y + 0.5) * height) / to.height)) * width
    for (let x = 0; x < right; x++) scaled[y * out.width + x] = data[row + columns[x]] ? 1 : 0
  }
  return { width: out.width, height: out.height, data: scaled }
}
