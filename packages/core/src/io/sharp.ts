import { open } from 'node:fs/promises'
import type { Sharp } from 'sharp'
import { formatHead, formatName } from '../image/format.js'
import type { SampleType } from '../image/samples.js'

/**
 * What `decodeImage` hands to sharp: not svg, pdf and the like, which are programs that draw, may read other files,
 * and have no pixels of their own.
 */
export const photoFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif', 'jp2', 'jxl']

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
  const exact = ['uint', 'int', 'double'].includes(depth)
  return {
    pixels: pixels.raw({ depth: exact ? 'double' : 'float' }),
    values: ({ buffer, byteOffset, byteLength }: Uint8Array) => {
      const own = buffer.slice(byteOffset, byteOffset + byteLength)
      const values = exact ? new Float64Array(own) : new Float32Array(own)
      return moved ? values.map(value => value - moved) : values
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
