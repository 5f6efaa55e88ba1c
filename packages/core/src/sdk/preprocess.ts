import { decodeImage, type EncodedImageSource } from '#io'
import type { Backend, DeviceTensor } from '../backend/backend.js'
import { SamError } from '../errors.js'
import { checkImageSize, toRgbImage, type PixelSource, type RgbImage } from '../image/image.js'
import { normalizeImage, pixelMean as mean, pixelStd as std } from '../image/normalize.js'
import { pictureSize, type Picture, type RgbaBytes } from '../image/picture.js'
import { resizeImage, type Size } from '../image/resize.js'
import type { HostTensor } from '../tensor/tensor.js'
import { imageFingerprint } from './embedding-file.js'
import { frameOf, type Frame } from '../image/frame.js'

/**
 * An input image: pixels in memory (`ImageData`), a browser's picture (bitmap, canvas, frame), or anything that
 * `decodeImage` reads: in Node a path or a file's bytes, in browsers also a Blob.
 */
export type ImageInput = PixelSource | Picture | EncodedImageSource

/** The input of the image encoder. */
export interface Preprocessed {
  /** [1, 3, side, side]; the caller disposes of it if it is on the device. */
  readonly tensor: HostTensor | DeviceTensor
  readonly frame: Frame
  /** Fingerprint of the photo's pixels. */
  readonly fingerprint: () => Promise<string>
}

export interface PreprocessOptions {
  /** Undefined: on the host. */
  readonly backend: Backend | undefined
  /** Side of the square input. */
  readonly side: number
  readonly signal: AbortSignal | undefined
}

/**
 * Resizes, normalises and pads: on the device if the backend supports this picture, else on the host. What is in
 * memory, pixels or a file, is copied before this returns its promise. Meta: modeling/sam.py#preprocess.
 */
export async function preprocess(input: ImageInput, options: PreprocessOptions): Promise<Preprocessed> {
  const own = isPixels(input) ? copyPixels(input) : input
  const size = options.backend?.picture && pictureSize(own)
  return size ? onDevice(own, size, options) : onHost(own, options)
}

async function onDevice(input: ImageInput, size: Size, options: PreprocessOptions): Promise<Preprocessed> {
  const { backend, side } = options
  checkImageSize(size.width, size.height)
  const frame = frameOf(size, side)
  const [height, width] = frame.inputSize
  try {
    const tensor = await backend!.picture!(input as Picture, { width, height, side, mean, std })
    const read = async (): Promise<string> => imageFingerprint(await readImage(input))
    // Fingerprint pixels in memory now, to free the copy; other sources are read only on demand.
    return { tensor, frame, fingerprint: isPixels(input) ? settled(read()) : lazy(read) }
  } catch (error) {
    if (SamError.is(error) && error.code === 'E_IMAGE_TOO_LARGE') return onHost(input, options)
    throw error
  }
}

async function onHost(input: ImageInput, { side, signal }: PreprocessOptions): Promise<Preprocessed> {
  const image = isPixels(input) ? toRgbImage(input) : await readImage(input, signal)
  const frame = frameOf(image, side)
  const [height, width] = frame.inputSize
  const tensor = normalizeImage(resizeImage(image, { width, height }), side)
  return { tensor, frame, fingerprint: settled(imageFingerprint(image)) }
}

/** A result that may be awaited later or never: its rejection must not count as unhandled. */
function settled(work: Promise<string>): () => Promise<string> {
  work.catch(() => {})
  return () => work
}

/** Work that runs on first use. */
function lazy(work: () => Promise<string>): () => Promise<string> {
  let done: Promise<string> | undefined
  return () => (done ??= work())
}

/**
 * The pixels of an image, in memory of their own; those in memory are read before this returns its promise. Throws
 * `InputError` `E_BAD_IMAGE` or `E_IMAGE_TOO_LARGE`.
 */
export async function readImage(input: ImageInput, signal?: AbortSignal): Promise<RgbImage> {
  if (!isPixels(input)) return decodeImage(input as EncodedImageSource, signal ? { signal } : {})
  const image = toRgbImage(input)
  return image.data.buffer === input.data.buffer ? { ...image, data: new Uint8Array(image.data) } : image
}

const isPixels = (input: ImageInput): input is PixelSource | RgbaBytes =>
  typeof input === 'object' && input !== null && 'data' in input && 'width' in input

/** The same pixels in memory of their own. Throws `E_BAD_IMAGE` or `E_IMAGE_TOO_LARGE`. */
function copyPixels({ width, height, data, channels, stride }: PixelSource): PixelSource {
  checkImageSize(width, height)
  const isArray = ArrayBuffer.isView(data) && !(data instanceof DataView)
  return {
    width,
    height,
    // Not its own `slice`: that of a Buffer shares memory. What is no array is refused by `toRgbImage`.
    data: isArray ? Uint8Array.prototype.slice.call(data) : data,
    ...(channels === undefined ? {} : { channels }),
    ...(stride === undefined ? {} : { stride })
  }
}
