import { open } from 'node:fs/promises'
import type { Sharp } from 'sharp'
import { formatHead, formatName } from '../image/format.js'
import type { SampleType } from '../image/samples.js'

/**
 * What `decodeImage` hands to sharp: not svg, pdf and the like, which are programs that draw, may read other files,
 * and have no pixels of their own.
 */
export const photoFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'jp2', 'jxl']

/** Types that an f32 does not hold exactly. */
const isWide = (depth: SampleType): boolean => ['uint', 'int', 'double'].includes(depth)

/** Bytes of a pixel as {@link samplesOf} gives it; grey may be repeated. */
export const bytesPerPixel = (depth: SampleType, channels: number): number => (channels + 2) * (isWide(depth) ? 8 : 4)

/**
 * Has sharp give the samples of a file as they are stored. It converts every picture to a colour space: one of 8 bits
 * of grey is repeated three times before its further bands, others stay as they are when the space is their own. What
 * has 16 bits is clipped to unsigned, so signed values are moved by half the range and back.
 */
export function samplesOf(
  photo: Sharp,
  { space, channels, depth }: { space: string; channels: number; depth: SampleType }
) {
  const repeated = space === 'b-w'
  const moved = depth === 'short' && space.endsWith('16') ? 2 ** 15 : 0
  let pixels = repeated ? photo : photo.toColourspace(space)
  if (moved) pixels = pixels.linear(new Array<number>(channels).fill(1), new Array<number>(channels).fill(moved))
  return {
    pixels: pixels.raw({ depth: isWide(depth) ? 'double' : 'float' }),
    values: ({ buffer, byteOffset, byteLength }: Uint8Array) => {
      const own = byteOffset % 8 === 0 ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)
      const from = own === buffer ? byteOffset : 0
      const values = isWide(depth)
        ? new Float64Array(own, from, byteLength / 8)
        : new Float32Array(own, from, byteLength / 4)
      if (moved) for (let i = 0; i < values.length; i++) values[i] -= moved
      return values
    },
    indexOf: (band: number): number => (repeated && band > 0 ? band + 2 : band)
  }
}

/** What sharp's prebuilt libvips reads; a custom one may read more. */
const readable = ['JPEG', 'PNG', 'WebP', 'GIF', 'AVIF', 'TIFF']

/** Why a file cannot be decoded and what to do: it is of another format, cut off, or something else. */
export async function undecodable(input: string | Uint8Array, message: string): Promise<string> {
  const head = typeof input === 'string' ? await headOf(input) : input.subarray(0, formatHead)
  if (head.length === 0) return 'is empty'
  const format = formatName(head)
  if (format !== undefined && !readable.includes(format))
    return `is ${format}, which this sharp does not read; convert it to JPEG or PNG`
  if (format === undefined && /unsupported image format/i.test(message))
    return `must be a photo (${photoFormats.join(', ')}), found a file of no known format`
  const reason = message.trim().replaceAll('\n', '; ')
  const cut =
    /premature|truncat|unexpected end|end of (file|stream|image|data)|\beof\b|read error|not enough|too short/i
  return `cannot be decoded (${reason}); ${cut.test(reason) ? 'is the file complete?' : 'convert it to PNG or JPEG with another program'}`
}

async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r').catch(() => undefined)
  try {
    const head = await file?.read(new Uint8Array(formatHead), 0, formatHead, 0)
    return head ? head.buffer.subarray(0, head.bytesRead) : new Uint8Array(0)
  } finally {
    await file?.close()
  }
}
