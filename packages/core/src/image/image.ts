import { refuse, shown } from '../errors.js'

/** An 8-bit RGB picture, rows top to bottom, three interleaved bytes a pixel: `data[(y * width + x) * 3 + channel]`. */
export interface RgbImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/**
 * Pixels in memory: an `ImageData`, a raw buffer from a decoder, a canvas read-back. Interleaved channels: grey, grey +
 * alpha, RGB or RGBA. Bytes and clamped bytes are taken as they are, 16-bit values lose their lower byte, floats are in
 * [0, 1].
 */
export interface PixelSource {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array | Float32Array
  /** Default: what the length of `data` says. */
  readonly channels?: 1 | 2 | 3 | 4 | undefined
  /** Elements from one row to the next, where rows are padded. Default: width × channels. */
  readonly stride?: number | undefined
}

export interface ImageLimits {
  /** Most pixels (width × height) an image may have. Default {@link defaultMaxPixels}. */
  readonly maxPixels?: number | undefined
}

/** Interleaved bytes to write as a picture, grey, RGB or RGBA: an {@link RgbImage}, an `ImageData`. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
  /** Default: what the length of `data` says. */
  readonly channels?: 1 | 3 | 4 | undefined
}

/** Red, green, blue, 0 … 255. */
export type Rgb = readonly [number, number, number]

/** 0x3FFF², the limit that libvips and sharp use. */
export const defaultMaxPixels = 0x3fff * 0x3fff

/**
 * Checks a picture's declared size before anything is allocated for it.
 * Throws `E_BAD_IMAGE` for sides that are not positive whole numbers, `E_IMAGE_TOO_LARGE` past the limit.
 */
export function checkImageSize(
  width: number,
  height: number,
  { maxPixels = defaultMaxPixels }: ImageLimits = {}
): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    refuse(
      'E_BAD_IMAGE',
      `image: width and height must be whole numbers from 1, found ${shown(width)} × ${shown(height)}`
    )
  }
  if (width * height > maxPixels) {
    refuse(
      'E_IMAGE_TOO_LARGE',
      `image: ${width} × ${height} = ${width * height} pixels is over the limit of ${maxPixels}; ` +
        'make it smaller first, or raise maxPixels'
    )
  }
}

/**
 * The pixels with their number of channels. Throws `E_BAD_IMAGE` unless the size is a size and the data fills it
 * exactly.
 */
export function checkPixels({ width, height, data, ...given }: Pixels): Pixels & { readonly channels: 1 | 3 | 4 } {
  checkImageSize(width, height, { maxPixels: Infinity })
  const channels = given.channels ?? data?.length / (width * height)
  if (channels !== 1 && channels !== 3 && channels !== 4)
    refuse(
      'E_BAD_IMAGE',
      given.channels === undefined
        ? `image: data must hold 1, 3 or 4 bytes a pixel, found ${shown(data?.length)} bytes for ${width} × ${height} pixels`
        : `image: channels must be 1, 3 or 4, found ${shown(channels)}`
    )
  if (data?.length !== width * height * channels) {
    refuse(
      'E_BAD_IMAGE',
      `image: ${width} × ${height} pixels of ${channels} channels need ${width * height * channels} bytes, found ${shown(data?.length)}`
    )
  }
  return { width, height, data, channels }
}

/**
 * The picture as 8-bit RGB. Grey is repeated three times; alpha is dropped and the colour under it kept as stored
 * (Pillow's `convert('RGB')`), so what is fully transparent shows its hidden colour: flatten it first where that
 * matters. Tight RGB bytes are shared, not copied.
 * Throws `E_BAD_IMAGE` or `E_IMAGE_TOO_LARGE`.
 */
export function toRgbImage(source: PixelSource, limits: ImageLimits = {}): RgbImage {
  if (typeof source !== 'object' || source === null)
    refuse('E_BAD_IMAGE', `image: must be { width, height, data }, found ${shown(source)}`)
  const { width, height, data } = source
  checkImageSize(width, height, limits)
  const toByte = byteOf(data)
  const channels = source.channels ?? data.length / (width * height)
  if (![1, 2, 3, 4].includes(channels)) {
    refuse(
      'E_BAD_IMAGE',
      source.channels === undefined
        ? `image: data must hold 1, 2, 3 or 4 values a pixel, found ${data.length} values for ${width} × ${height} pixels`
        : `image: channels must be 1, 2, 3 or 4, found ${shown(source.channels)}`
    )
  }
  const stride = source.stride ?? width * channels
  if (!Number.isInteger(stride) || stride < width * channels) {
    refuse(
      'E_BAD_IMAGE',
      `image: stride must be a whole number of at least width × channels = ${width * channels}, found ${shown(stride)}`
    )
  }
  // The last row need not be padded.
  const least = stride * (height - 1) + width * channels
  if (data.length < least || (source.stride === undefined && data.length !== least)) {
    refuse(
      'E_BAD_IMAGE',
      `image: ${width} × ${height} pixels of ${channels} channels need ${least} values, found ${data.length}`
    )
  }
  if (channels === 3 && stride === width * 3 && data instanceof Uint8Array)
    return { width, height, data: data.subarray(0, least) }

  const rgb = new Uint8Array(width * height * 3)
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2]
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, from = y * stride; x < width; x++, from += channels) {
      rgb[at++] = toByte(data[from])
      rgb[at++] = toByte(data[from + green])
      rgb[at++] = toByte(data[from + blue])
    }
  }
  return { width, height, data: rgb }
}

/** How a value of this array becomes a byte. */
function byteOf(data: unknown): (value: number) => number {
  // By tag and not by instanceof: pixels may come from another realm (an iframe, a worker, vm).
  const kind = Object.prototype.toString.call(data).slice(8, -1)
  switch (kind) {
    case 'Uint8Array':
    case 'Uint8ClampedArray':
      return value => value
    case 'Uint16Array':
      return value => value >> 8
    case 'Float32Array':
      return value => {
        if (!(value >= 0 && value <= 1))
          refuse(
            'E_BAD_IMAGE',
            `image: float pixels must lie in [0, 1], found ${value}${value > 1 ? '; divide by the largest value' : ''}`
          )
        return Math.floor(value * 255 + 0.5)
      }
    default:
      refuse(
        'E_BAD_IMAGE',
        `image: data must be a Uint8Array, Uint8ClampedArray, Uint16Array or Float32Array, found ${kind}`
      )
  }
}
