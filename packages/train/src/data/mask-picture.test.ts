import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import sharp, { type Sharp } from 'sharp'
import type { StoredSamples } from '@sam/core/model'
import { maskPicture, masksOfSamples, type MaskValues } from './mask-picture.js'

const caseOf = (name: string): string => fileURLToPath(new URL(`../../../../fixtures/cases/${name}`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-masks-'))
})
afterAll(() => rm(folder, { recursive: true }))

type Channels = 1 | 2 | 3 | 4
const size = 40

/** A picture of 40 × 40 pixels. */
const picture = (channels: Channels, f: (x: number, y: number) => number | readonly number[]): Sharp =>
  sharp(
    Uint8Array.from(
      Array.from({ length: size * size }, (_, i) => {
        const pixel = f(i % size, Math.floor(i / size))
        return typeof pixel === 'number' ? new Array<number>(channels).fill(pixel) : pixel
      }).flat()
    ),
    { raw: { width: size, height: size, channels } }
  )
/** Areas of the masks, by label. */
async function read(image: Sharp, name: string, values?: MaskValues): Promise<(string | number)[]> {
  const path = join(folder, name)
  await image.toFile(path)
  return areasOf(path, values)
}
const areasOf = async (path: string, values?: MaskValues): Promise<(string | number)[]> =>
  (await maskPicture(path, values)).map(({ data, label }) => {
    const area = data.reduce((n, v) => n + v, 0)
    return label === undefined ? area : `${label}: ${area}`
  })

/** Two squares, of 100 and 64 pixels. */
const squares =
  <T>(outside: T, first: T, second: T) =>
  (x: number, y: number): T =>
    x >= 4 && x < 14 && y >= 4 && y < 14 ? first : x >= 20 && x < 28 && y >= 20 && y < 28 ? second : outside
/** A disc with soft edges, about 700 pixels. */
const disc = (x: number, y: number): number =>
  Math.round(255 * Math.min(1, Math.max(0, 15.5 - Math.hypot(x - 19.5, y - 19.5))))
const blurredDisc = picture(1, (x, y) => (disc(x, y) > 127 ? 255 : 0)).blur(1.2)

describe('maskPicture', () => {
  it.each([
    ['0 and 1', 1],
    ['0 and 128', 128],
    ['0 and 255', 255]
  ])('one value besides 0: %s', async (_, value) => {
    expect(await read(picture(1, squares(0, value, value)), 'one.png')).toEqual([164])
  })

  it('an empty picture has no mask', async () => {
    expect(
      await read(
        picture(1, () => 0),
        'empty.png'
      )
    ).toEqual([])
    expect(
      await read(
        picture(3, () => 0),
        'empty.jpg'
      )
    ).toEqual([])
    expect(
      await read(
        picture(4, () => 0),
        'empty-alpha.png'
      )
    ).toEqual([])
  })

  it('label maps have one mask per value, unless told otherwise', async () => {
    const labels = picture(1, squares(0, 1, 2))
    expect(await read(labels, 'labels.png')).toEqual(['1: 100', '2: 64'])
    expect(await read(labels, 'labels.png', 'nonzero')).toEqual([164])
    expect(await read(labels, 'labels.png', 'threshold')).toEqual([])
    expect(await read(picture(1, squares(0, 85, 255)), 'labels.png')).toEqual(['85: 100', '255: 64'])
    expect(await read(picture(1, squares(0, 85, 255)), 'labels.png', 'threshold')).toEqual([64])
  })

  it('label maps of 16 bits', async () => {
    expect(await areasOf(join(caseOf('B06-mask-01-and-labels'), 'label16.tif'))).toEqual(['1: 1200', '2: 1600'])
    const many = Uint16Array.from(
      { length: size * size },
      (_, i) => 1000 + (Math.floor(i / 2) % 20) + 100 * Math.floor(i / 80)
    )
    const image = sharp(many, { raw: { width: size, height: size, channels: 1 } }).toColourspace('grey16')
    expect((await read(image, 'many.png')).slice(0, 2)).toEqual(['1000: 4', '1001: 4'])
    expect(await read(image, 'many.png')).toHaveLength(400)
  })

  it('floats and other types are labels as well; values below 0 are refused', () => {
    const samples = (type: StoredSamples['type'], ...values: [number, number, number]): StoredSamples => ({
      format: 'tiff',
      hasAlpha: false,
      width: size,
      height: size,
      bands: 1,
      type,
      colour: false,
      stride: 1,
      indexOf: band => band,
      data: Float64Array.from({ length: size * size }, (_, i) => squares(...values)(i % size, Math.floor(i / size)))
    })
    const labels = (type: StoredSamples['type'], ...values: [number, number, number]) =>
      masksOfSamples(samples(type, ...values), { path: 'a.tif' }).map(({ label }) => label)
    expect(labels('float', 0, 1, 2)).toEqual(['1', '2'])
    expect(labels('float', 0, 1, 1)).toEqual([undefined])
    expect(labels('double', 0, 0.25, 0.5)).toEqual(['0.25', '0.5'])
    expect(labels('uint', 0, 70_000, 2 ** 31)).toEqual(['70000', '2147483648'])
    expect(() => labels('int', 0, 1, -1)).toThrow('finite and from 0, found -1')
    expect(() => labels('float', NaN, 1, 2)).toThrow('finite and from 0, found NaN')
    expect(() => masksOfSamples({ ...samples('uchar', 0, 1, 2), bands: 7 }, { path: 'a.tif' })).toThrow('found 7 bands')
  })

  it('colours have one mask each', async () => {
    expect(await areasOf(join(caseOf('B05-mask-colours'), 'masks/x.png'))).toEqual([
      '(48, 112, 32): 1200',
      '(176, 112, 32): 1600'
    ])
    expect(await areasOf(join(caseOf('B05-mask-colours'), 'green.png'))).toEqual([expect.any(Number)])
    const palette = picture(3, squares([0, 0, 0], [128, 0, 0], [0, 128, 0])).png({ palette: true, colours: 4 })
    expect(await read(palette, 'palette.png')).toEqual(['(0, 128, 0): 64', '(128, 0, 0): 100'])
  })

  it.each([
    ['soft edges', 'disc.png', () => picture(1, disc)],
    ['wide soft edges', 'blurred.png', () => blurredDisc],
    ['JPEG', 'disc.jpg', () => picture(1, disc).jpeg({ quality: 60 })],
    ['colour JPEG', 'disc3.jpg', () => picture(3, disc).jpeg({ quality: 60 })],
    ['RGB', 'disc3.png', () => picture(3, disc)]
  ] as const)('black and white with changed values is cut at half: %s', async (_, name, image) => {
    const [found, ...others] = await read(image(), name)
    expect(others).toEqual([])
    expect(Math.abs((found as number) - Math.PI * 15 ** 2)).toBeLessThan(25)
  })

  it('a mask in the alpha channel', async () => {
    const [black, white, red, blue] = [
      [0, 0, 0, 255],
      [255, 255, 255, 255],
      [255, 0, 0, 255],
      [0, 0, 255, 255]
    ]
    const clear = [0, 0, 0, 0]
    expect(await read(picture(4, squares(clear, black, black)), 'a.png')).toEqual([164])
    expect(await read(picture(4, squares(clear, white, white)), 'a.png')).toEqual([164])
    expect(await read(picture(4, squares([255, 255, 255, 0], white, white)), 'a.png')).toEqual([164])
    // Colours on a transparent ground are labels, a photo on one is a mask.
    expect(await read(picture(4, squares(clear, red, blue)), 'a.png')).toEqual(['(0, 0, 255): 64', '(255, 0, 0): 100'])
    const photo = (x: number, y: number): number[] => [6 * x, 6 * y, (x * y) % 256, disc(x, y)]
    expect(await read(picture(4, photo), 'a.png')).toEqual([expect.closeTo(Math.PI * 15 ** 2, -2)])
    // An opaque alpha channel says nothing.
    expect(await read(picture(4, squares(black, white, white)), 'a.png')).toEqual([164])
    expect(
      await read(
        picture(2, (x, y) => [squares(0, 1, 2)(x, y), 255]),
        'a.png'
      )
    ).toEqual(['1: 100', '2: 64'])
    await expect(
      read(
        picture(4, (x, y) => (x < 2 ? clear : squares(black, red, blue)(x, y))),
        'a.png'
      )
    ).rejects.toThrow('in the colours or in the alpha channel')
    await expect(read(picture(4, squares(clear, [9, 9, 9, 1], clear)), 'a.png')).rejects.toThrow('found none')
  })

  it.each([
    ['a grey photo', 'photo.png', picture(1, (x, y) => (x * 37 + y * y * 11) % 256), 'values (0, 1, 2, 3, …, 255)'],
    ['a colour photo', 'photo3.png', picture(3, (x, y) => [6 * x, 6 * y, (x * y) % 256]), '1600 colours'],
    [
      'labels as JPEG',
      'labels.jpg',
      picture(1, squares(0, 1, 20)).jpeg({ quality: 100 }),
      'a format that changes values'
    ],
    [
      'colours as JPEG',
      'c.jpg',
      picture(3, squares([0, 0, 0], [255, 0, 0], [0, 0, 255])).jpeg(),
      'a format that changes'
    ],
    ['a smooth grey ramp', 'ramp.png', picture(1, (x, y) => 3 * x + (y % 2)), 'values']
  ] as const)('refuses %s, naming what was found', async (_, name, image, found) => {
    const error: unknown = await read(image, name).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'InputError', code: 'E_BAD_IMAGE' })
    for (const text of [name, found, 'labels, nonzero, threshold']) expect((error as Error).message).toContain(text)
  })
})
