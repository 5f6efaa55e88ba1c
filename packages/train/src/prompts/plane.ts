/** A mask or a map of one mask's size, row by row. */
export interface Plane<T extends ArrayLike<number> = Uint8Array> {
  readonly width: number
  readonly height: number
  readonly data: T
}

/** Smallest box around all that is not 0: [x0, y0, x1, y1] as places of pixels, both ends included. Undefined for an empty mask. */
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
