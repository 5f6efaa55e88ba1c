import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SamError } from '../errors.js'
import type { DecodeOptions } from '../image/samples.js'
import { decodeImage, encodePng, type EncodedImageSource } from './node.js'

const rejects = (source: unknown, code: string, options?: DecodeOptions) =>
  expect(decodeImage(source as EncodedImageSource, options)).rejects.toThrow(expect.objectContaining({ code }))

/** A PNG chunk with its checksum. */
function chunk(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)])
  bytes.writeUInt32BE(body.length, 0)
  let crc = 0xffffffff
  for (const byte of bytes.subarray(4, -4)) {
    crc ^= byte
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  bytes.writeUInt32BE(~crc >>> 0, bytes.length - 4)
  return bytes
}

/** A PNG by hand, for what no encoder should write. Colour type 0 is grey, 2 RGB. */
function png({
  width,
  height,
  depth = 8,
  colour = 2,
  raw
}: {
  width: number
  height: number
  depth?: number
  colour?: number
  raw: Uint8Array
}): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([depth, colour, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(raw, { level: 1 })),
    chunk('IEND', new Uint8Array(0))
  ])
}

/** A 2 × 1 picture of raw bytes. */
const pair = (channels: 1 | 2 | 3 | 4, ...values: number[]) =>
  sharp(Buffer.from(values), { raw: { width: 2, height: 1, channels } })

/** 32 × 16: the left half red, the right half blue, with green in the upper left corner. */
const scene = () => {
  const data = Buffer.alloc(32 * 16 * 3)
  for (let y = 0; y < 16; y++)
    for (let x = 0; x < 32; x++) data[(y * 32 + x) * 3 + (x < 8 && y < 8 ? 1 : x < 16 ? 0 : 2)] = 255
  return sharp(data, { raw: { width: 32, height: 16, channels: 3 } })
}

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sam-image-'))
})
afterAll(() => rm(directory, { recursive: true }))

describe('decodeImage', () => {
  it('reads a path, a file: URL, bytes, an ArrayBuffer and a Blob alike', async () => {
    const bytes = await pair(3, 1, 2, 3, 4, 5, 6).png().toBuffer()
    const path = join(directory, 'pair ü.png')
    await writeFile(path, bytes)
    for (const source of [path, pathToFileURL(path), bytes, Uint8Array.from(bytes).buffer, new Blob([bytes])]) {
      const { width, height, data } = await decodeImage(source)
      expect([width, height, ...data]).toEqual([2, 1, 1, 2, 3, 4, 5, 6])
    }
  })

  it('reads grey, grey + alpha, RGBA, palette and interlaced PNG', async () => {
    expect([...(await decodeImage(await pair(1, 7, 9).png().toBuffer())).data]).toEqual([7, 7, 7, 9, 9, 9])
    expect([...(await decodeImage(await pair(2, 100, 0, 200, 255).png().toBuffer())).data]).toEqual([
      100, 100, 100, 200, 200, 200
    ])
    expect([...(await decodeImage(await pair(4, 255, 0, 0, 0, 1, 2, 3, 255).png().toBuffer())).data]).toEqual([
      255, 0, 0, 1, 2, 3
    ])
    const expected = (await decodeImage(await scene().png().toBuffer())).data
    expect((await decodeImage(await scene().png({ palette: true }).toBuffer())).data).toEqual(expected)
    expect((await decodeImage(await scene().png({ progressive: true }).toBuffer())).data).toEqual(expected)
  })

  it('keeps the upper byte of 16 bits', async () => {
    const raw = Buffer.alloc(1 + 12)
    ;[40000, 255, 65535, 0, 256, 511].forEach((value, i) => raw.writeUInt16BE(value, 1 + i * 2))
    expect([...(await decodeImage(png({ width: 2, height: 1, depth: 16, raw }))).data]).toEqual([156, 0, 255, 0, 1, 1])
    const grey = Buffer.from([0, 0x9c, 0x40])
    expect([...(await decodeImage(png({ width: 1, height: 1, depth: 16, colour: 0, raw: grey }))).data]).toEqual([
      156, 156, 156
    ])
  })

  it('converts CMYK and wide-gamut profiles to sRGB', async () => {
    const cmyk = await scene().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk')
    const { width, height, data } = await decodeImage(cmyk)
    expect([width, height]).toEqual([32, 16])
    const at = (x: number, y: number) => [...data.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3)]
    expect(at(12, 12).indexOf(Math.max(...at(12, 12)))).toBe(0)
    expect(at(28, 12).indexOf(Math.max(...at(28, 12)))).toBe(2)

    // The same green as numbers of Display P3, and back.
    const green = [60, 180, 90, 60, 180, 90]
    const p3 = await pair(3, ...green)
      .withIccProfile('p3')
      .png()
      .toBuffer()
    expect((await sharp(p3).metadata()).hasProfile).toBe(true)
    expect([...(await sharp(p3, { ignoreIcc: true }).raw().toBuffer())]).not.toEqual(green)
    ;[...(await decodeImage(p3)).data].forEach((value, i) => expect(Math.abs(value - green[i])).toBeLessThanOrEqual(2))
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('turns EXIF orientation %i upright', async orientation => {
    const { width, height, data } = await decodeImage(
      await scene().withMetadata({ orientation }).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()
    )
    expect([width, height]).toEqual(orientation < 5 ? [32, 16] : [16, 32])
    // Where the green corner of the stored picture must be seen, by the EXIF definition of "row 0 is the visual …".
    const [right, down] = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1]
    ][orientation - 1]
    const at = (3 + Number(down) * (height - 7)) * width + 3 + Number(right) * (width - 7)
    expect(data[at * 3 + 1]).toBeGreaterThan(200)
  })

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(48, 255), Buffer.alloc(48, 0)])
    const bytes = await sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
      .gif({ delay: [10, 10] })
      .toBuffer()
    expect((await sharp(bytes).metadata()).pages).toBe(2)
    const { width, height, data } = await decodeImage(bytes)
    expect([width, height, new Set(data)]).toEqual([4, 4, new Set([255])])
  })

  it('refuses a decompression bomb before it decodes it', async () => {
    const bomb = png({ width: 20_000, height: 20_000, depth: 1, colour: 0, raw: new Uint8Array(20_000 * 2_501) })
    expect(bomb.length).toBeLessThan(500_000)
    await rejects(bomb, 'E_IMAGE_TOO_LARGE')
    await rejects(png({ width: 2 ** 31 - 1, height: 2 ** 31 - 1, raw: new Uint8Array(0) }), 'E_BAD_IMAGE')
    await rejects(await scene().png().toBuffer(), 'E_IMAGE_TOO_LARGE', { maxPixels: 511 })
  })

  it('refuses what is no image, and says where it was', async () => {
    const jpeg = await scene().jpeg().toBuffer()
    for (const cut of [1, 10, 100, jpeg.length >> 1, jpeg.length - 20])
      await rejects(jpeg.subarray(0, cut), 'E_BAD_IMAGE')
    await rejects(new Uint8Array(0), 'E_BAD_IMAGE')
    await rejects(Buffer.from('not an image'), 'E_BAD_IMAGE')
    await rejects(
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5"/></svg>'),
      'E_BAD_IMAGE'
    )
    await rejects(png({ width: 0, height: 4, raw: new Uint8Array(4) }), 'E_BAD_IMAGE')
    await rejects(png({ width: 9, height: 9, raw: new Uint8Array(4) }), 'E_BAD_IMAGE')
    for (const source of [
      undefined,
      null,
      3,
      {},
      [1],
      'https://example.org/a.png',
      'data:image/png;base64,AA',
      directory,
      ''
    ])
      await rejects(source, 'E_BAD_IMAGE')
    const missing = join(directory, 'missing.png')
    await expect(decodeImage(missing)).rejects.toThrow(`${missing}: no such file`)
  })

  it('reads strips of one pixel', async () => {
    for (const [width, height] of [
      [1, 3000],
      [3000, 1],
      [1, 1]
    ] as const) {
      const strip = await decodeImage(
        await encodePng({ width, height, channels: 1, data: new Uint8Array(width * height).fill(9) })
      )
      expect([strip.width, strip.height, strip.data.length, strip.data.at(-1)]).toEqual([
        width,
        height,
        width * height * 3,
        9
      ])
    }
  })

  it('answers damaged files with an image or a typed error', async () => {
    const files = [await scene().png().toBuffer(), await scene().jpeg().toBuffer(), await scene().webp().toBuffer()]
    const damage = fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), damage, async (file, edits) => {
        const bytes = Uint8Array.from(file)
        for (const { at, value } of edits) bytes[at % bytes.length] = value
        const answer = await decodeImage(bytes, { maxPixels: 1e6 }).catch((error: unknown) => error)
        expect(SamError.is(answer) || (answer as { data?: unknown }).data instanceof Uint8Array).toBe(true)
      }),
      { numRuns: 100 }
    )
  })

  it('rejects an aborted decode with the reason of its signal', async () => {
    const reason = new Error('changed my mind')
    const bytes = await scene().png().toBuffer()
    await expect(decodeImage(bytes, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const pending = decodeImage(bytes, { signal: controller.signal })
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
  })
})

describe('encodePng', () => {
  it.each([1, 3, 4] as const)('keeps %i channels to the byte', async channels => {
    const data = Uint8Array.from({ length: 6 * channels }, (_, i) => i * 9)
    const { data: back, info } = await sharp(await encodePng({ width: 3, height: 2, channels, data }))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect(info.channels === channels ? [...back] : [...back].filter((_, i) => i % 3 === 0)).toEqual([...data])
  })

  it('refuses data of another size', async () => {
    const bad = expect.objectContaining({ code: 'E_BAD_IMAGE' })
    await expect(encodePng({ width: 2, height: 2, channels: 3, data: new Uint8Array(11) })).rejects.toThrow(bad)
    await expect(encodePng({ width: 0, height: 0, channels: 1, data: new Uint8Array(0) })).rejects.toThrow(bad)
  })
})
