import type { Bitmap, Box } from '@sam/core'
import { bitmapBox } from '@sam/core/model'

/** Number of pixels inside a mask, or inside both masks. */
export function areaOf(mask: Uint8Array, also = mask): number {
  let area = 0
  for (let i = 0; i < mask.length; i++) if (mask[i] && also[i]) area++ // quicker than an iterator
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
  /** Size that the whole plane gets. */
  readonly to: { readonly width: number; readonly height: number }
  /** Size of what is given back: the part of it from `at` on, with 0 where it ends. */
  readonly out: { readonly width: number; readonly height: number }
  /** Left and top; default [0, 0]. */
  readonly at?: readonly [number, number]
}

/** A mask in another size, 0 or 1, by the nearest pixel, cut or padded. */
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
