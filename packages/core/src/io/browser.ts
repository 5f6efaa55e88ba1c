import { shownAddress } from './address.js'
import { urlBytes } from './url.js'
import { InputError, SamError, shown, WeightsError } from '../errors.js'
import { cropImage } from '../image/crop.js'
import type { LargeImage } from '../image/large-image.js'
import { readOptions } from '../options.js'
import {
  checkImageSize,
  checkPixels,
  defaultMaxPixels,
  toRgbImage,
  type Pixels,
  type RgbImage
} from '../image/image.js'
import { formatHead, formatName } from '../image/format.js'
import { readDecodeOptions, type DecodeOptions, type PictureHeader, type StoredSamples } from '../image/samples.js'
import type { ByteSource } from './byte-source.js'

export { blobBytes, checkRange, memoryBytes, readAhead, type ByteSource } from './byte-source.js'
export { foldersIn, openDownloads } from './cache-downloads.js'
export { sha256 } from './sha256.js'
export type { StagedFile } from './staged-file.js'
export { urlBytes } from './url.js'

// ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A browser has no paths: a string is a URL, relative to the page. See `urlBytes` for what it throws. */
export const openFile = (file: string | URL): Promise<ByteSource> => urlBytes(new URL(file, globalThis.location?.href))

/** There are no directories to look into: always undefined. */
export const filesIn = async (_path: string | URL): Promise<ReadonlyMap<string, string> | undefined> => undefined

const noDisk = (path: string): never => {
  throw new WeightsError(
    'E_WEIGHTS_IO',
    `${path}: a browser cannot write files by path; collect the chunks into a Blob and offer it for download`
  )
}

/** There is no disk to write to: throws `WeightsError` `E_WEIGHTS_IO`. */
export const writeFileAtomic = async (path: string, ..._: unknown[]): Promise<number> => noDisk(path)

/** There is no disk to write to: throws `WeightsError` `E_WEIGHTS_IO`. */
export const stageFile = async (path: string, ..._: unknown[]): Promise<never> => noDisk(path)

/** A browser has no folders: its own storage keeps downloads. */
export const cacheFolder = (_name: string): string | undefined => undefined

/** There are no other processes. */
export const isRunning = (_pid: number): boolean => false

/** There is no disk to clean up. */
export const removeLeftovers = async (_folder: string, _pattern: RegExp): Promise<void> => {}

// ── Images ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * What {@link decodeImage} reads in a browser: whatever a canvas can draw, an image file (a `Blob` or its bytes), or a
 * URL.
 */
export type EncodedImageSource = string | URL | Uint8Array<ArrayBuffer> | ArrayBuffer | Drawable
type Drawable =
  | Blob
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame

/**
 * Decodes or reads back to upright 8-bit sRGB, by the browser: EXIF orientation and embedded colour profiles are
 * applied, of an animation the first frame. Alpha is dropped; a canvas holds premultiplied colours, so under full
 * transparency they are black (unlike in Node).
 *
 * Throws `InputError`: `E_BAD_IMAGE` when it cannot be fetched, decoded or read back (another origin, closed),
 * `E_BAD_OPTION` for `window` and `bands`, since a browser gives no samples but bytes of RGBA, `E_IMAGE_TOO_LARGE` past
 * `maxPixels`; files larger than the browser's own limit are refused by it while decoding. An abort rejects with the
 * signal's reason.
 */
export async function decodeImage(source: EncodedImageSource, options: DecodeOptions = {}): Promise<RgbImage> {
  const { maxPixels = defaultMaxPixels, signal, window, bands } = readDecodeOptions(options)
  signal?.throwIfAborted()
  if (window !== undefined || bands !== undefined)
    throw new InputError(
      'E_BAD_OPTION',
      'window and bands need the samples of the file, which a browser does not give; scale the image first'
    )
  let file: Drawable | undefined
  try {
    file = await imageFile(source, signal)
    const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image', premultiplyAlpha: 'none' })
    try {
      const { width, height } = bitmap
      signal?.throwIfAborted()
      checkImageSize(width, height, { maxPixels })
      const context = contextOf(new OffscreenCanvas(width, height))
      context.drawImage(bitmap, 0, 0)
      const { data } = context.getImageData(0, 0, width, height, { colorSpace: 'srgb' })
      return toRgbImage({ width, height, data: data }, { maxPixels })
    } finally {
      bitmap.close()
    }
  } catch (cause) {
    signal?.throwIfAborted()
    if (SamError.is(cause)) throw cause
    const { name, message } = cause as Error
    const format = file instanceof Blob ? formatName(await headOf(file)) : undefined
    const why =
      format !== undefined && !readable.includes(format)
        ? `is ${format}, which this browser does not read; convert it to JPEG or PNG`
        : `cannot be read (${message}); ${reasons[name] ?? 'is it a whole image that this browser shows?'}`
    throw new InputError('E_BAD_IMAGE', `image: ${why}`, { cause })
  }
}

/**
 * Opens an image to read parts of it. A browser decodes the whole: it must fit into memory, and its own limits hold.
 * Throws as {@link decodeImage}.
 */
export async function openLargeImage(
  source: EncodedImageSource,
  options: { readonly signal?: AbortSignal | undefined } = {}
): Promise<LargeImage> {
  const { signal } = readOptions('openLargeImage', options, { signal: true })
  const image = await decodeImage(source, { signal })
  return { width: image.width, height: image.height, read: async box => cropImage(image, box) }
}

/** A browser does not give the samples of a file: throws `InputError` `E_BAD_IMAGE`. */
export const decodeSamples = async (
  _source: EncodedImageSource,
  _options?: Pick<DecodeOptions, 'maxPixels' | 'signal'>
): Promise<StoredSamples> => noSamples()

/** A browser does not give the header of a file: throws `InputError` `E_BAD_IMAGE`. */
export const readPictureHeader = async (
  _source: EncodedImageSource,
  _options?: Pick<DecodeOptions, 'signal'>
): Promise<PictureHeader> => noSamples()

function noSamples(): never {
  throw new InputError('E_BAD_IMAGE', 'image: a browser decodes to RGBA only; read the samples of a file in Node')
}

/** Pixels as a PNG file. Throws `E_BAD_IMAGE` where size and data disagree. */
export async function encodePng(pixels: Pixels): Promise<Uint8Array> {
  const { width, height, channels, data } = checkPixels(pixels)
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < (channels === 4 ? 4 : 3); c++) rgba[i * 4 + c] = data[i * channels + (channels === 1 ? 0 : c)]!
  }
  const canvas = new OffscreenCanvas(width, height)
  contextOf(canvas).putImageData(new ImageData(rgba, width, height), 0, 0)
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())
}

const reasons: Readonly<Record<string, string>> = {
  SecurityError: 'it comes from another origin: serve it with CORS headers and load it with crossorigin="anonymous"',
  InvalidStateError: 'it was closed, detached, or is not a complete image',
  TypeError: 'it must be an image file, a canvas or the like, or a URL that this page may fetch'
}

/** What all browsers read. */
const readable = ['JPEG', 'PNG', 'WebP', 'GIF', 'AVIF', 'BMP', 'SVG', 'Windows icon']

const headOf = async (file: Blob): Promise<Uint8Array> =>
  new Uint8Array(
    await file
      .slice(0, formatHead)
      .arrayBuffer()
      .catch(() => new ArrayBuffer(0))
  )

async function imageFile(source: EncodedImageSource, signal: AbortSignal | undefined): Promise<Drawable> {
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return new Blob([source])
  if (typeof source !== 'string' && !(source instanceof URL)) return source
  const page = globalThis.location?.href
  // `C:` is no scheme, but the drive of a path.
  const url = /^[a-z]:[\\/]/i.test(String(source)) || !URL.canParse(source, page) ? undefined : new URL(source, page)
  if (url === undefined || url.protocol === 'file:')
    throw new InputError(
      'E_BAD_IMAGE',
      `image: a browser cannot read ${shown(String(source))} by its path; give a URL that this page may fetch, or the File of an <input type="file">`
    )
  const answer = await fetch(url, signal ? { signal } : {})
  const isPage = /^text\/html/i.test(answer.headers.get('content-type') ?? '')
  if (!answer.ok || isPage)
    throw new InputError(
      'E_BAD_IMAGE',
      `${shownAddress(url)}: the server answered ${isPage && answer.ok ? 'with a web page' : `${answer.status} ${answer.statusText}`}; ` +
        'a string is a URL relative to the page, not a path of this computer'
    )
  return answer.blob()
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' })
  if (!context)
    throw new InputError(
      'E_BAD_IMAGE',
      'image: the browser gives no 2d canvas; close other pages or make the image smaller'
    )
  return context
}
