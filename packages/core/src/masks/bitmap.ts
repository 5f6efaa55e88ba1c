import { refuse, shown } from '../errors.js'
import { defaultMaxPixels, type ImageLimits } from '../image/image.js'

/** A binary picture, one byte a pixel, row by row: 0 is outside, anything else inside. */
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
 * Throws `E_BAD_PROMPT` unless the sides are whole numbers from 1 within the limit of pixels. `what` names the mask in
 * the message.
 */
export function checkMaskSize(
  what: string,
  { width, height }: AnySize,
  { maxPixels = defaultMaxPixels }: ImageLimits = {}
): void {
  const whole = [width, height].every(side => Number.isInteger(side) && (side as number) > 0)
  if (!whole || (width as number) * (height as number) > maxPixels) {
    refuse(
      'E_BAD_PROMPT',
      `${what}: width and height must be whole numbers from 1, of at most ${maxPixels} pixels together; ` +
        `found ${shown(width)} × ${shown(height)}`
    )
  }
}

/** The bitmap with 0 and 1 only, in memory of its own. Throws `E_BAD_PROMPT` where size and data disagree. */
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
