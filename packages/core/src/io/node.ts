import { createHash } from 'node:crypto'
import { renameSync, statSync, type BigIntStats } from 'node:fs'
import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sharp } from 'sharp'
import { checkRange, type ByteSource } from './byte-source.js'
import { disposedOf, whenCollected } from '../collected.js'
import { reasonOf } from './errno.js'
import { removeLeftovers } from './leftovers.js'
import type { Sha256 } from './sha256.js'
import type { StagedFile } from './staged-file.js'
import { bytesPerPixel, photoFormats, samplesOf, undecodable } from './sharp.js'
import { InputError, refuse, SamError, shown, WeightsError } from '../errors.js'
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
import {
  checkFilled,
  isSampleType,
  readDecodeOptions,
  samplesToRgb,
  type DecodeOptions,
  type PictureHeader,
  type StoredSamples
} from '../image/samples.js'

export { blobBytes, checkRange, memoryBytes, readAhead, type ByteSource } from './byte-source.js'
export { cacheFolder } from './cache-folder.js'
export { foldersIn, openDownloads } from './disk-downloads.js'
export { isRunning, removeLeftovers } from './leftovers.js'
export type { StagedFile } from './staged-file.js'
export { urlBytes } from './url.js'

/** SHA-256 of bytes that arrive one chunk after the other. */
export const sha256 = (): Sha256 => {
  const hash = createHash('sha256')
  return { update: bytes => void hash.update(bytes), digest: () => hash.digest('hex') }
}

// ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const closeHandle = (handle: FileHandle): Promise<void> => handle.close()

/**
 * Opens a file for positional reads; it stays open until `close()` and is never read whole.
 * Throws `WeightsError` `E_WEIGHTS_IO`: not found, no permission, a directory, not a regular file.
 */
export async function openFile(file: string | URL): Promise<ByteSource> {
  const path = pathOf(file)
  const found = await stat(path).catch(failed(path))
  // Checked before opening: opening a pipe would wait for its other end.
  const kind = found.isDirectory() ? 'a directory' : 'a device or pipe'
  if (!found.isFile()) throw new WeightsError('E_WEIGHTS_IO', `${path}: must be a file, found ${kind}`)
  const handle = await open(path, 'r').catch(failed(path))
  const opened = await handle.stat({ bigint: true }).catch(failed(path))
  const at = { name: path, size: Number(opened.size) }
  // Every function below refers to it, so a file that was never closed is closed when none of them is left: Node warns
  // where it has to do so itself.
  const opening = { handle }
  whenCollected(opening, handle, closeHandle)
  const unchanged = ({ size, mtimeNs }: BigIntStats): boolean => size === opened.size && mtimeNs === opened.mtimeNs
  return {
    ...at,
    // The open file keeps its bytes when another is renamed over it: it is then read through the handle alone.
    get path() {
      const there = statSync(path, { bigint: true, throwIfNoEntry: false })
      return there?.dev === opened.dev && there.ino === opened.ino && unchanged(there) ? path : undefined
    },
    async read(offset, length, signal) {
      signal?.throwIfAborted()
      checkRange(at, offset, length)
      if (!unchanged(await opening.handle.stat({ bigint: true }).catch(failed(path))))
        throw new WeightsError('E_WEIGHTS_IO', `${path}: was written to after it was opened; open it again`)
      const out = new Uint8Array(length)
      for (let done = 0; done < length; ) {
        const { bytesRead } = await opening.handle
          .read(out, done, Math.min(length - done, 2 ** 30), offset + done)
          .catch(failed(path))
        if (bytesRead === 0)
          throw new WeightsError('E_WEIGHTS_IO', `${path}: became shorter while it was read; open it again`)
        done += bytesRead
        signal?.throwIfAborted()
      }
      return out
    },
    close: () => {
      disposedOf(opening)
      return opening.handle.close()
    }
  }
}

/** The regular files of a directory, name → absolute path; undefined when `path` is not a directory. */
export async function filesIn(path: string | URL): Promise<ReadonlyMap<string, string> | undefined> {
  const directory = pathOf(path)
  if (!(await stat(directory).catch(() => undefined))?.isDirectory()) return undefined
  const names = await readdir(directory).catch(failed(directory))
  return new Map(names.map(name => [name, resolve(directory, name)]))
}

/** Temporary names: the file's, the process that writes it, and a random part. */
const temporaryName = /\.(\d+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/

/**
 * Writes a file under a temporary name and flushes it to disk: `commit` then cannot fail for lack of space. On failure
 * and on abort, the temporary file is removed; those of killed processes in the same folder are removed too. Throws
 * `WeightsError` `E_WEIGHTS_IO`.
 */
export async function stageFile(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal
): Promise<StagedFile> {
  const final = resolve(path)
  await removeLeftovers(dirname(final), temporaryName)
  const temporary = `${final}.${process.pid}.${crypto.randomUUID()}.tmp`
  const discard = (): Promise<void> => rm(temporary, { force: true }).catch(() => {})
  const handle = await open(temporary, 'wx').catch(failed(final))
  try {
    let size = 0
    try {
      for await (const chunk of chunks) {
        signal?.throwIfAborted()
        await writeAll(handle, chunk).catch(failed(final))
        size += chunk.length
      }
      signal?.throwIfAborted()
      await handle.sync().catch(failed(final))
    } finally {
      await handle.close()
    }
    return {
      path,
      size,
      commit() {
        try {
          renameSync(temporary, final)
        } catch (error) {
          failed(final)(error as NodeJS.ErrnoException)
        }
      },
      discard
    }
  } catch (error) {
    await discard()
    throw error
  }
}

/**
 * Writes a file so that it is either whole or not there, through {@link stageFile}. Returns the number of bytes. Throws
 * `WeightsError` `E_WEIGHTS_IO`.
 */
export async function writeFileAtomic(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal
): Promise<number> {
  const staged = await stageFile(path, chunks, signal)
  try {
    staged.commit()
  } catch (error) {
    await staged.discard()
    throw error
  }
  return staged.size
}

async function writeAll(handle: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; )
    done += (await handle.write(chunk, done, Math.min(chunk.length - done, 2 ** 30))).bytesWritten
}

const pathOf = (file: string | URL): string => resolve(file instanceof URL ? fileURLToPath(file) : file)

const failed =
  (path: string) =>
  (cause: NodeJS.ErrnoException): never => {
    throw new WeightsError('E_WEIGHTS_IO', `${path}: ${reasonOf(cause)}`, { cause })
  }

// ── Images ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What {@link decodeImage} reads in Node: a path, a `file:` URL, or the bytes of an image file. */
export type EncodedImageSource = string | URL | Uint8Array | ArrayBuffer | Blob

/** The most bands of a picture. */
const bandLimit = 64

/**
 * Decodes an image file with sharp (an optional peer dependency) to upright 8-bit sRGB.
 * - EXIF orientation is applied: all coordinates of this SDK refer to the upright picture, as viewers show it.
 * - Grey becomes three channels, CMYK and embedded ICC profiles are converted to sRGB, 16 bits keep their upper byte.
 * - Alpha is dropped and the colour under it kept. Of an animation or a document, the first frame.
 * - Other samples (floats, 32 bits, signed) and several bands become colours by `DecodeOptions`. Where neither
 *   the file nor `window` and `bands` say how, and where 16 bits hold 14 or fewer, they are refused: a guess would show
 *   a black picture. With `window` or `bands` the stored samples count, without a colour profile.
 *
 * The size is checked before any pixel is decoded. Throws `InputError`: `E_BAD_IMAGE` when the file is missing,
 * truncated, not a photo, of a format or samples that cannot be read, or when sharp is not installed;
 * `E_IMAGE_TOO_LARGE` past `maxPixels`; `E_BAD_OPTION` for a wrong `window` or `bands`. An abort rejects with the
 * signal's reason.
 */
export async function decodeImage(source: EncodedImageSource, options: DecodeOptions = {}): Promise<RgbImage> {
  const { maxPixels = defaultMaxPixels, signal, window, bands } = readDecodeOptions(options)
  return withPicture(source, signal, async open => {
    const photo = open({ failOn: 'error' })
    const { format, width, height, depth, space, channels } = await photo.metadata()
    checkFormat(format)
    checkImageSize(width, height, { maxPixels })
    signal?.throwIfAborted()

    const wide = depth === 'ushort'
    const grey = ['b-w', 'grey16', 'multiband'].includes(space)
    const usual = (depth === 'uchar' || wide) && channels <= 5 && !(grey && channels > 2)
    const colour = channels <= 4 || space === 'cmyk'
    if (usual && colour && window === undefined && bands === undefined) {
      const rgb = photo
        .autoOrient()
        .toColourspace(wide ? 'rgb16' : 'srgb')
        .removeAlpha()
      const { data, info } = await rgb.raw({ depth: wide ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true })
      signal?.throwIfAborted()
      const values = wide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data
      if (wide)
        checkFilled(
          'ushort',
          (values as Uint16Array).reduce((most, value) => Math.max(most, value), 0)
        )
      return toRgbImage({ width: info.width, height: info.height, data: values }, { maxPixels })
    }
    const samples = await storedSamples(open, { maxPixels })
    signal?.throwIfAborted()
    return samplesToRgb(samples, { window, bands })
  })
}

/**
 * Decodes an image file to its samples as stored: no colour profile, no change of range; a palette becomes its colours.
 * EXIF orientation is applied, so the size is the upright one. Throws as {@link decodeImage}.
 */
export async function decodeSamples(
  source: EncodedImageSource,
  { maxPixels = defaultMaxPixels, signal }: Pick<DecodeOptions, 'maxPixels' | 'signal'> = {}
): Promise<StoredSamples> {
  return withPicture(source, signal, async open => {
    const samples = await storedSamples(open, { maxPixels })
    signal?.throwIfAborted()
    return samples
  })
}

/** Reads the header of an image file: its size as stored and its EXIF orientation. Throws as {@link decodeImage}. */
export async function readPictureHeader(
  source: EncodedImageSource,
  { signal }: Pick<DecodeOptions, 'signal'> = {}
): Promise<PictureHeader> {
  return withPicture(source, signal, async open => {
    const { width, height, orientation = 1 } = await open({ failOn: 'error' }).metadata()
    return { width, height, orientation: orientation >= 1 && orientation <= 8 ? orientation : 1 }
  })
}

/**
 * Opens an image file of any size, to read parts of it as {@link decodeImage} decodes them. Rows of pixels are kept
 * between calls, so read parts row by row. Throws `InputError` `E_BAD_IMAGE` as {@link decodeImage}, and for an image
 * that is stored rotated (EXIF) or has other samples than 8 bits.
 */
export async function openLargeImage(
  source: EncodedImageSource,
  options: { readonly signal?: AbortSignal | undefined } = {}
): Promise<LargeImage> {
  const { signal } = readOptions('openLargeImage', options, { signal: true })
  const { width, height } = await withPicture(source, signal, async open => {
    const { format, width, height, depth, channels, orientation = 1 } = await open({ failOn: 'error' }).metadata()
    checkFormat(format)
    checkImageSize(width, height, { maxPixels: Infinity })
    if (depth !== 'uchar' || channels > 4)
      refuse(
        'E_BAD_IMAGE',
        `a large image must have up to 4 channels of 8 bits, found ${channels} of type ${depth}; convert it`
      )
    if (orientation !== 1)
      refuse(
        'E_BAD_IMAGE',
        `a large image must be stored upright, found EXIF orientation ${orientation}; rotate its pixels`
      )
    return { width, height }
  })
  let band: { readonly top: number; readonly image: RgbImage } | undefined
  return {
    width,
    height,
    async read([x0, y0, x1, y1], { signal }) {
      if (band?.top !== y0 || band.image.height !== y1 - y0) {
        const image = await withPicture(source, signal, async open => {
          const rows = open({ failOn: 'error' }).extract({ left: 0, top: y0, width, height: y1 - y0 })
          const rgb = rows.toColourspace('srgb').removeAlpha().raw()
          const { data, info } = await rgb.toBuffer({ resolveWithObject: true })
          signal?.throwIfAborted()
          return toRgbImage({ width: info.width, height: info.height, data }, { maxPixels: Infinity })
        })
        band = { top: y0, image }
      }
      return cropImage(band.image, [x0, 0, x1, y1 - y0])
    }
  }
}

type OpenPicture = (options: { readonly failOn: 'error' | 'truncated'; readonly ignoreIcc?: boolean }) => Sharp

/** Opens a picture with sharp. Errors of sharp become `InputError`s, with the file's name. */
async function withPicture<T>(
  source: EncodedImageSource,
  signal: AbortSignal | undefined,
  read: (open: OpenPicture) => Promise<T>
): Promise<T> {
  signal?.throwIfAborted()
  const { name, input } = await sharpInput(source)
  const sharp = await loadSharp()
  try {
    // The limit is held by checkImageSize, on the header alone, so that the error tells the size.
    return await read(options =>
      sharp(input, { ...options, limitInputPixels: false, limitInputChannels: bandLimit, pages: 1 })
    )
  } catch (cause) {
    signal?.throwIfAborted()
    if (SamError.is(cause)) throw new InputError(cause.code, `${name}: ${cause.message}`, { cause })
    throw new InputError('E_BAD_IMAGE', `${name}: ${await undecodable(input, (cause as Error).message)}`, { cause })
  }
}

function checkFormat(format: string): void {
  if (!photoFormats.includes(format))
    throw new InputError('E_BAD_IMAGE', `must be a photo (${photoFormats.join(', ')}), found ${format}`)
}

async function storedSamples(open: OpenPicture, { maxPixels }: { maxPixels: number }): Promise<StoredSamples> {
  // Warnings of a TIFF's tags are no reason to refuse it.
  const upright = open({ failOn: 'truncated', ignoreIcc: true }).autoOrient()
  const { format, width, height, depth, space, channels, hasAlpha } = await upright.metadata()
  checkFormat(format)
  if (!isSampleType(depth)) throw new InputError('E_BAD_IMAGE', `image: samples of type ${depth} are not read`)
  checkImageSize(width, height, {
    maxPixels: Math.min(maxPixels, Math.floor((8 * maxPixels) / bytesPerPixel(depth, channels)))
  })
  const raw = samplesOf(upright, { space, channels, depth })
  const { data, info } = await raw.pixels.toBuffer({ resolveWithObject: true })
  return {
    format,
    hasAlpha,
    width: info.width,
    height: info.height,
    bands: channels,
    type: depth,
    colour: ['srgb', 'rgb16', 'scrgb'].includes(space),
    data: raw.values(data),
    stride: info.channels,
    indexOf: raw.indexOf
  }
}

/** Pixels as a PNG file. Throws `E_BAD_IMAGE` where size and data disagree, or when sharp is not installed. */
export async function encodePng(pixels: Pixels): Promise<Uint8Array> {
  const { width, height, channels, data } = checkPixels(pixels)
  const sharp = await loadSharp()
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false }).png().toBuffer()
}

const loadSharp = () =>
  import('sharp').then(
    ({ default: sharp }) => sharp,
    (cause: unknown) => {
      throw new InputError(
        'E_BAD_IMAGE',
        'image files in Node are read and written by sharp, which could not be loaded: npm install sharp',
        { cause }
      )
    }
  )

/** What messages call the image, and what sharp reads. */
async function sharpInput(source: EncodedImageSource): Promise<{ name: string; input: string | Uint8Array }> {
  if (source instanceof Blob) return { name: 'image', input: new Uint8Array(await source.arrayBuffer()) }
  // Copied, because sharp reads them in another thread.
  if (source instanceof Uint8Array) return { name: 'image', input: new Uint8Array(source) }
  if (source instanceof ArrayBuffer) return { name: 'image', input: new Uint8Array(source.slice(0)) }
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw new InputError(
      'E_BAD_IMAGE',
      `image: must be a path, a file: URL or the bytes of an image file, found ${shown(source)}`
    )
  }
  if (/^(?!file:)[a-z]{2,}:/i.test(String(source))) {
    throw new InputError(
      'E_BAD_IMAGE',
      `image: must be a path or a file: URL, found ${shown(String(source))}; fetch it and pass its bytes`
    )
  }
  const path = pathOf(source)
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new InputError('E_BAD_IMAGE', `${path}: ${reasonOf(cause)}`, { cause })
  })
  if (!found.isFile())
    throw new InputError(
      'E_BAD_IMAGE',
      `${path}: must be a file, found ${found.isDirectory() ? 'a directory' : 'a device or pipe'}`
    )
  return { name: path, input: path }
}
