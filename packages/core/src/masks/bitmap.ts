import { refuse, shown } from '../errors.js'
import { defaultMaxPixels, type ImageLimits } from '../image/image.js'

/** A binary image, one byte per pixel, row by row: 0 is outside, anything else inside. */
export interface Bitmap {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

interface AnySize {
  readonly width: unknown
  readonly height: unknown
}

/**
 * Throws `E_BAD_PROMPT` unless width and height are positive integers within the pixel limit. `what` names the mask in
 * the message.
 */
export function checkMaskSize(
  what: string,
  { width, height }: AnySize,
  { maxPixels = defaultMaxPixels }: ImageLimits = {}
): void {
  const positive = [width, height].every(side => Number.isInteger(side) && (side as number) > 0)
  if (!positive || (width as number) * (height as number) > maxPixels) {
    refuse(
      'E_BAD_PROMPT',
      `${what}: width and height must be whole numbers from 1, of at most ${maxPixels} pixels together; ` +
        `found ${shown(width)} × ${shown(height)}`
    )
  }
}

/** A copy of the bitmap with only 0 and 1. Throws `E_BAD_PROMPT` if size and data disagree. */
export function copyBitmap({ width, height, data }: Bitmap): Bitmap {
  checkMaskSize('bitmap', { width, height })
  if (!(data instanceof Uint8Array) || data.length !== width * height) {
    refuse(
      'E_BAD_PROMPT',
      `bitmap: data must be a Uint8Array of width × height = ${width * height} bytes, ` +
        `found ${ArrayBuffer.isView(data) ? `${data.constructor.name} of ${data.length}` : shown(data)}`
    )
  }
  return { width, height, data: data.map(value => (value ? 1 : 0)) }
}
