import type { Size } from './resize.js'

/**
 * A picture that a device may take as it is: what a browser holds on the GPU, or RGBA bytes. Alpha is dropped and the
 * colour under it kept.
 */
export type Picture = ImageBitmap | HTMLCanvasElement | OffscreenCanvas | VideoFrame | RgbaBytes

/** Four bytes a pixel, row by row: an `ImageData`, or a plain object like it. */
export interface RgbaBytes {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/**
 * The size of a {@link Picture} in pixels; undefined for anything else (a file, a path, other kinds of pixels), which
 * is read on the host.
 */
export function pictureSize(thing: unknown): Size | undefined {
  switch (tagOf(thing)) {
    case 'ImageBitmap':
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas':
      return sizeOf(thing as Size)
    case 'VideoFrame': {
      const { displayWidth: width, displayHeight: height } = thing as VideoFrame
      return { width, height }
    }
    case 'ImageData':
    case 'Object':
      return isRgba(thing as RgbaBytes) ? sizeOf(thing as Size) : undefined
    default:
      return undefined
  }
}

/** By tag and not by instanceof: a picture may come from another realm, and Node has none of these classes. */
const tagOf = (thing: unknown): string => Object.prototype.toString.call(thing).slice(8, -1)

const sizeOf = ({ width, height }: Size): Size => ({ width, height })

function isRgba({ width, height, data, ...rest }: RgbaBytes & { channels?: unknown; stride?: unknown }): boolean {
  const bytes = ['Uint8Array', 'Uint8ClampedArray'].includes(tagOf(data))
  return (
    bytes &&
    data.length === width * height * 4 &&
    (rest.channels ?? 4) === 4 &&
    (rest.stride ?? width * 4) === width * 4
  )
}
