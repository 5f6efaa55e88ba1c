import type { RgbImage } from './image.js'
import type { Size } from './resize.js'

/** An image that is read in parts, so that it need not fit into memory. Coordinates are pixels of the upright image. */
export interface LargeImage extends Size {
  /** The pixels in a box [x0, y0, x1, y1] of whole numbers, by pixel edges. */
  readonly read: (
    box: readonly [x0: number, y0: number, x1: number, y1: number],
    options: { readonly signal?: AbortSignal | undefined }
  ) => Promise<RgbImage>
}
