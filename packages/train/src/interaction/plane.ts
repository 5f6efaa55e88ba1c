/** A mask or a map of one mask's size, row by row. */
export interface Plane<T extends ArrayLike<number> = Uint8Array> {
  readonly width: number
  readonly height: number
  readonly data: T
}

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
export function boundsOf({ width, height, data }: Plane): readonly [number, number, number, number] | undefined {
  let [x0, y0, x1, y1] = [width, height, -1, -1]
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!data[at]) continue
      if (x < x0) x0 = x
      if (x > x1) x1 = x
      if (y < y0) y0 = y
      y1 = y
    }
  }
  return x1 < 0 ? undefined : [x0, y0, x1, y1]
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
  { width, height, data }: Plane,
  { to, out, at: [left, top] = [0, 0] }: ScaledOptions
): Plane {
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
