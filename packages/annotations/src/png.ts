import { decode, encode } from 'fast-png'
import type { Refuse } from '@sam/core/graph'
import { labelPixelLimit } from './limits.js'

/** A PNG of labels. */
export interface LabelPng {
  readonly width: number
  readonly height: number
  /** 3 for red, green and blue; 1 for grey, or the index in the palette. */
  readonly channels: 1 | 3
  /** [height, width, channels] */
  readonly data: Uint8Array
  /** Red, green, blue of each index, where the PNG has a palette. */
  readonly palette?: readonly (readonly number[])[] | undefined
}

/** A grey PNG, or one with a palette. */
export const writePng = ({ width, height, data, palette }: Omit<LabelPng, 'channels'>): Uint8Array =>
  encode({ width, height, data, channels: 1, depth: 8, ...(palette && { palette: palette.map(color => [...color]) }) })

/**
 * Reads a PNG of up to 8 bits that is grey, has a palette, or is RGB. Throws for other PNGs, for one of more than
 * {@link labelPixelLimit} pixels, and for one that unpacks to more than its size, before that is unpacked.
 */
export async function readPng(bytes: Uint8Array, fail: Refuse): Promise<LabelPng> {
  const { header, chunks } = splitPng(bytes, fail)
  const [width, height] = [header.getUint32(0), header.getUint32(4)]
  const [depth, color, , , interlace] = Array.from({ length: 5 }, (_, i) => header.getUint8(8 + i))
  if (!(width > 0 && height > 0 && width * height <= labelPixelLimit))
    fail(`a label PNG may have ${labelPixelLimit} pixels, found ${width} × ${height}`)
  if (![0, 2, 3].includes(color) || depth > 8)
    fail(`a label PNG must be grey, RGB or have a palette, with up to 8 bits, found type ${color} of ${depth} bits`)
  const channels = color === 2 ? 3 : 1
  const rows = height + (interlace ? 14 + height : 0)
  await checkUnpacked(chunks.get('IDAT')!, { limit: (Math.ceil((width * depth * channels) / 8) + 8) * rows, fail })
  try {
    const { data: packed, palette } = decode(joinPng(header, chunks))
    const data = unpackBits(packed as Uint8Array, { width: width * channels, height, depth })
    return { width, height, channels, data, palette: palette?.map(([r, g, b]) => [r, g, b]) }
  } catch (cause) {
    return fail(`the PNG cannot be decoded (${(cause as Error).message})`, cause)
  }
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** The chunks of a PNG that its pixels need. */
function splitPng(bytes: Uint8Array, fail: Refuse): { header: DataView; chunks: Map<string, Uint8Array[]> } {
  if (!signature.every((byte, i) => bytes[i] === byte)) fail('it must be a PNG')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks = new Map(['IHDR', 'PLTE', 'IDAT'].map(type => [type, [] as Uint8Array[]]))
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (at + 12 + length > bytes.length) fail('the PNG ends inside a chunk')
    chunks.get(type)?.push(bytes.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  const [header] = chunks.get('IHDR')!
  if (header?.length !== 13) return fail('the PNG has no header')
  return { header: new DataView(header.buffer, header.byteOffset, header.byteLength), chunks }
}

/** The PNG anew, with one chunk of each kind, so that the decoder unpacks nothing else. Checksums are not read. */
function joinPng(header: DataView, chunks: ReadonlyMap<string, readonly Uint8Array[]>): Uint8Array {
  const bodies: readonly (readonly [string, Uint8Array])[] = [
    ['IHDR', new Uint8Array(header.buffer, header.byteOffset, header.byteLength)],
    ...chunks
      .get('PLTE')!
      .slice(0, 1)
      .map(body => ['PLTE', body] as const),
    ['IDAT', concat(chunks.get('IDAT')!)],
    ['IEND', new Uint8Array(0)]
  ]
  return concat([
    Uint8Array.from(signature),
    ...bodies.flatMap(([type, body]) => {
      const head = new Uint8Array(8)
      new DataView(head.buffer).setUint32(0, body.length)
      head.set(
        Array.from(type, c => c.charCodeAt(0)),
        4
      )
      return [head, body, new Uint8Array(4)]
    })
  ])
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  parts.reduce((at, part) => {
    all.set(part, at)
    return at + part.length
  }, 0)
  return all
}

/** Unpacks the data in small pieces and stops where it is larger than a picture of this size. */
async function checkUnpacked(
  packed: readonly Uint8Array[],
  { limit, fail }: { limit: number; fail: Refuse }
): Promise<void> {
  let length = 0
  // Not `for await`: not every browser iterates streams.
  const reader = new Blob([concat(packed)]).stream().pipeThrough(new DecompressionStream('deflate')).getReader()
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      length += value!.length
      if (length > limit) break
    }
  } catch (cause) {
    fail(`the PNG cannot be unpacked (${(cause as Error).message})`, cause)
  }
  void reader.cancel().catch(() => {})
  if (length > limit) fail('the PNG holds more data than its size says')
}

/** One byte per pixel, of rows of 1, 2, 4 or 8 bits per pixel. */
function unpackBits(
  packed: Uint8Array,
  { width, height, depth }: { width: number; height: number; depth: number }
): Uint8Array {
  if (depth === 8) return packed
  const stride = Math.ceil((width * depth) / 8)
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth
      const shift = 8 - depth - (bit % 8)
      data[y * width + x] = (packed[y * stride + (bit >> 3)] >> shift) & ((1 << depth) - 1)
    }
  }
  return data
}
