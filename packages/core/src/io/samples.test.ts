import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { DecodeOptions } from '../image/samples.js'
import { decodeImage } from './node.js'
import * as browser from './browser.js'

it.each(['C:\\photos\\a.jpg', 'file:///photos/a.jpg', 'photo.jpg'])(
  'decodeImage in a browser: says of %s that it is no URL',
  async path => {
    // Without a page, as here, a relative address is none either.
    await expect(browser.decodeImage(path)).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining('by its path; give a URL that this page may fetch, or the File')
    })
  }
)

const fixture = (name: string): string => fileURLToPath(new URL(`../../../../fixtures/images/${name}`, import.meta.url))

type Values = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array
const formats = { Uint: 1, Int: 2, Float: 3 }

/** An uncompressed TIFF of 10 × 1 pixels: `at(x, band)` gives each sample. Photometric 1 is grey, 2 RGB. */
function tiff(
  type: new (length: number) => Values,
  { bands = 1, photometric = 1, at }: { bands?: number; photometric?: 1 | 2; at: (x: number, band: number) => number }
): Uint8Array {
  const data = new type(10 * bands)
  for (let x = 0; x < 10; x++) for (let band = 0; band < bands; band++) data[x * bands + band] = at(x, band)
  const extra = Math.max(0, bands - (photometric === 2 ? 3 : 1))
  const shorts = (value: number, count: number): number[] => new Array<number>(count).fill(value)
  const bits = 8 * data.BYTES_PER_ELEMENT
  const format = formats[/^[A-Z][a-z]+/.exec(type.name)![0] as keyof typeof formats]
  const fields: [tag: number, values: number[]][] = [
    [256, [10]],
    [257, [1]],
    [258, shorts(bits, bands)],
    [259, [1]],
    [262, [photometric]],
    [273, [0]],
    [277, [bands]],
    [278, [1]],
    [279, [data.byteLength]],
    ...(extra ? ([[338, shorts(0, extra)]] as [number, number[]][]) : []),
    [339, shorts(format, bands)]
  ]
  const end = 8 + 2 + fields.length * 12 + 4
  const long = fields.reduce((sum, [, values]) => sum + (values.length > 2 ? 2 * values.length : 0), 0)
  const file = Buffer.alloc(end + long)
  file.write('II*\0', 'latin1')
  file.writeUInt32LE(8, 4)
  file.writeUInt16LE(fields.length, 8)
  let free = end
  fields.forEach(([tag, values], i) => {
    const entry = 10 + 12 * i
    file.writeUInt16LE(tag, entry)
    file.writeUInt16LE(3, entry + 2)
    file.writeUInt32LE(values.length, entry + 4)
    let to = entry + 8
    if (values.length > 2) {
      file.writeUInt32LE(free, to)
      to = free
      free += 2 * values.length
    }
    values.forEach((value, k) => file.writeUInt16LE(tag === 273 ? end + long : value, to + 2 * k))
  })
  return new Uint8Array(Buffer.concat([file, Buffer.from(data.buffer)]))
}

/** The pixels along the first row, a number for grey ones. */
const row = async (source: string | Uint8Array, options?: DecodeOptions): Promise<(number | number[])[]> => {
  const { width, data } = await decodeImage(source, options)
  return Array.from({ length: width }, (_, x) => {
    const [r, g, b] = data.subarray(3 * x, 3 * x + 3)
    return r === g && g === b ? r : [r, g, b]
  })
}
const rejects = (source: string | Uint8Array, message: RegExp | string, options?: DecodeOptions) =>
  expect(decodeImage(source, options)).rejects.toThrow(message)
const code = (source: string | Uint8Array, options?: DecodeOptions) =>
  decodeImage(source, options).catch((error: { code?: string }) => error.code)

const ramp90 = Array.from({ length: 90 }, (_, x) => (255 * x) / 89)
const expectRamp = (values: readonly (number | number[])[]) =>
  values.forEach((value, x) => expect(Math.abs((value as number) - ramp90[x])).toBeLessThanOrEqual(1))

describe('decodeImage: samples that are not bytes', () => {
  it('scales floats in [0, 1] and 32-bit integers to bytes', async () => {
    expectRamp(await row(fixture('f32_01.tif')))
    expectRamp(await row(fixture('u32.tif')))
  })

  it('refuses signed integers, and 12 bits in 16, and names a window that shows them', async () => {
    await rejects(fixture('i16.tif'), /signed 16-bit integers from -5000 to 12800.*window: \[-5000, 12800\]/)
    expectRamp(await row(fixture('i16.tif'), { window: [-5000, 12800] }))
    await rejects(
      fixture('g12in16.tif'),
      /16-bit integers up to 4095.*nearly black.*window: \[0, 4095\].*--window=0,4095/
    )
    expectRamp(await row(fixture('g12in16.tif'), { window: [0, 4095] }))
    expect(await code(fixture('i16.tif'))).toBe('E_BAD_IMAGE')
  })

  it('clips to the window, rounds, and shows NaN black', async () => {
    const values = [-1000, -100, 0, 50, 100, 200, 1e30, NaN, Infinity, -Infinity]
    const file = tiff(Float32Array, { at: x => values[x] })
    expect(await row(file, { window: [-100, 100] })).toEqual([0, 0, 128, 191, 255, 255, 255, 0, 255, 0])
    await rejects(file, /no finite numbers.*must lie in \[0, 1\]; give them: window/)
  })

  it('keeps labels as they are in the window [0, 255]', async () => {
    const labels = tiff(Uint16Array, { at: x => x })
    await rejects(labels, /up to 9/)
    expect(await row(labels, { window: [0, 255] })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await row(tiff(Uint16Array, { at: () => 0 }))).toEqual(new Array(10).fill(0))
  })

  it.each<[string, Uint8Array, readonly [number, number]]>([
    ['signed bytes', tiff(Int8Array, { at: x => 10 * x - 50 }), [-50, 40]],
    ['signed 16 bits of RGB', tiff(Int16Array, { bands: 3, photometric: 2, at: x => 10 * x - 50 }), [-50, 40]],
    ['signed 16 bits of 3 grey bands', tiff(Int16Array, { bands: 3, at: x => 10 * x - 50 }), [-50, 40]],
    ['signed 32 bits', tiff(Int32Array, { at: x => 1e8 * x - 5e8 }), [-5e8, 4e8]],
    ['floats of RGB', tiff(Float32Array, { bands: 3, photometric: 2, at: x => x / 10 - 2 }), [-2, -1.1]],
    ['unsigned 32 bits', tiff(Uint32Array, { at: x => x * 1000 }), [0, 9000]]
  ])('shows %s in a window', async (_, file, window) => {
    expect(await code(file)).toBe('E_BAD_IMAGE')
    const expected = Array.from({ length: 10 }, (_, x) => Math.floor((255 * x) / 9 + 0.5))
    for (const [x, value] of (await row(file, { window })).entries())
      expect(Math.abs((value as number) - expected[x])).toBeLessThanOrEqual(1)
  })
})

describe('decodeImage: bands', () => {
  const banded = (x: number, band: number): number => 10 * x + band

  it('takes the first three of 3 and 4 bands as RGB, also where they are tagged as grey', async () => {
    for (const name of ['b4_minisblack.tif', 'rgb16_minisblack.tif']) {
      const colours = await row(fixture(name))
      expect(new Set(colours.map(colour => (Array.isArray(colour) ? 'colour' : 'grey')))).toContain('colour')
    }
    const [, second] = await row(tiff(Uint8Array, { bands: 4, at: banded }))
    expect(second).toEqual([10, 11, 12])
    expect((await row(tiff(Uint16Array, { bands: 3, at: (x, band) => 256 * banded(x, 60 * band) })))[1]).toEqual([
      10, 70, 130
    ])
    expect((await row(tiff(Uint8Array, { bands: 6, photometric: 2, at: banded })))[1]).toEqual([10, 11, 12])
  })

  it('refuses more bands of unknown colour, and takes those that are named', async () => {
    for (const bands of [5, 7, 12]) {
      const file = tiff(Uint8Array, { bands, at: banded })
      await rejects(file, /has \d+ bands.*bands: \[r, g, b\], or --bands r,g,b/)
      expect((await row(file, { bands: [4, 3, 2] }))[1]).toEqual([13, 12, 11])
      expect((await row(file, { bands: [1, 1, 5] }))[2]).toEqual([20, 20, 24])
    }
    const wide = tiff(Uint16Array, { bands: 8, at: (x, band) => 1000 * x + 100 * band })
    expect((await row(wide, { bands: [8, 2, 1], window: [0, 10_000] }))[5]).toEqual([145, 130, 128])
    const floats = tiff(Float32Array, { bands: 6, at: (x, band) => (x + band) / 20 })
    expect((await row(floats, { bands: [6, 1, 2] }))[1]).toEqual([77, 13, 26])
  })

  it('reads bands and a window of an ordinary picture', async () => {
    const png = await sharp(Buffer.from([0, 50, 200, 100, 60, 90]), { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toBuffer()
    expect(await row(png, { bands: [3, 2, 1] })).toEqual([
      [200, 50, 0],
      [90, 60, 100]
    ])
    expect(await row(png, { window: [0, 100] })).toEqual([
      [0, 128, 255],
      [255, 153, 230]
    ])
  })

  it('refuses wrong options', async () => {
    const file = tiff(Uint8Array, { bands: 3, at: banded })
    for (const options of [
      { window: [1, 1] },
      { window: [5, 1] },
      { window: [0, NaN] },
      { window: '0,1' },
      { bands: [0, 1, 2] },
      { bands: [1, 2] },
      { bands: [1, 2, 4] },
      { bands: 3 }
    ])
      expect(await code(file, options as unknown as DecodeOptions)).toBe('E_BAD_OPTION')
    await expect(browser.decodeImage(new Blob([]), { window: [0, 1] })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })

  it('bounds the samples by maxPixels', async () => {
    const file = tiff(Uint8Array, { bands: 12, at: banded })
    expect(await code(file, { bands: [1, 2, 3], maxPixels: 60 })).toBe('E_IMAGE_TOO_LARGE')
    expect(await code(tiff(Uint8Array, { bands: 65, at: banded }))).toBe('E_BAD_IMAGE')
  })
})

describe('decodeImage: a format that it does not read', () => {
  const head = (text: string): Uint8Array => Uint8Array.from(text.padEnd(200, '\0'), c => c.charCodeAt(0))
  it.each<[string, string | Uint8Array, string]>([
    ['HEIC', fixture('x.heic'), 'is HEIC (HEVC), which this sharp does not read; convert it to JPEG or PNG'],
    ['BMP', fixture('x.bmp'), 'is BMP, which this sharp does not read'],
    ['JPEG XL', head('\xff\x0a\xfa\x1f'), 'is JPEG XL'],
    ['JPEG XL in a box', head('\0\0\0\x0cJXL \r\n\x87\n'), 'is JPEG XL'],
    ['JPEG 2000', head('\0\0\0\x0cjP  \r\n\x87\n'), 'is JPEG 2000'],
    ['a JPEG 2000 stream', head('\xff\x4f\xff\x51'), 'is JPEG 2000'],
    ['DICOM', head(`${'\0'.repeat(128)}DICM`), 'is DICOM'],
    ['a web page', head('<!doctype html><title>404'), 'is a web page'],
    ['text', head('hello'), 'found a file of no known format'],
    ['nothing', new Uint8Array(0), 'is empty']
  ])('says what it is: %s', async (_, file, message) => {
    const error = (await decodeImage(file).catch((e: unknown) => e)) as Error
    expect(error).toMatchObject({ code: 'E_BAD_IMAGE' })
    expect(error.message).toContain(message)
    expect(error.message).not.toMatch(/complete\?|bad seek/)
  })

  it('asks for the rest of a file that is cut off, and of no other', async () => {
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251)
    const picture = sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    for (const whole of [await picture.jpeg().toBuffer(), await picture.png().toBuffer()])
      await rejects(whole.subarray(0, whole.length >> 1), 'is the file complete?')
    const jpeg = await readFile(fixture('x.heic'))
    await expect(decodeImage(new Uint8Array(jpeg))).rejects.not.toThrow('complete')
  })
})
