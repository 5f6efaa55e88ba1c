import { expect, it } from 'vitest'
import sharp from 'sharp'
import { decodeImage, openLargeImage, type RgbImage } from '@sam/core'

const [width, height] = [97, 61]
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i) >> 3)
const file = (change: (image: ReturnType<typeof sharp>) => ReturnType<typeof sharp>): Promise<Uint8Array> =>
  change(sharp(pixels, { raw: { width, height, channels: 3 } })).toBuffer()

const part = ({ width, data }: RgbImage, [x0, y0, x1, y1]: readonly [number, number, number, number]): number[] =>
  Array.from({ length: y1 - y0 }, (_, y) => [
    ...data.subarray(((y0 + y) * width + x0) * 3, ((y0 + y) * width + x1) * 3)
  ]).flat()

it.each<[string, (image: ReturnType<typeof sharp>) => ReturnType<typeof sharp>]>([
  ['PNG', image => image.png()],
  ['JPEG', image => image.jpeg()],
  ['tiled TIFF', image => image.tiff({ tile: true, tileWidth: 16, tileHeight: 16 })],
  ['grey PNG', image => image.greyscale().png()],
  ['PNG with alpha', image => image.ensureAlpha(0.5).png()]
])('openLargeImage: parts are those of the whole image, %s', async (_, change) => {
  const bytes = await file(change)
  const whole = await decodeImage(bytes)
  const large = await openLargeImage(bytes)
  expect([large.width, large.height]).toEqual([width, height])
  for (const box of [
    [0, 0, 20, 20],
    [20, 0, 97, 20],
    [3, 41, 9, 61],
    [0, 0, 97, 61]
  ] as const) {
    const read = await large.read(box, {})
    expect([read.width, read.height, [...read.data]]).toEqual([box[2] - box[0], box[3] - box[1], part(whole, box)])
  }
})

it('openLargeImage: refuses rotated images, other samples, files that are no image, and aborts', async () => {
  const code = 'E_BAD_IMAGE'
  const rotated = await file(image => image.withMetadata({ orientation: 6 }).jpeg())
  await expect(openLargeImage(rotated)).rejects.toMatchObject({ code, message: expect.stringMatching(/orientation 6/) })
  const deep = await file(image => image.toColourspace('rgb16').png())
  await expect(openLargeImage(deep)).rejects.toMatchObject({ code, message: expect.stringMatching(/8 bits/) })
  await expect(openLargeImage(new Uint8Array(30))).rejects.toMatchObject({ code })
  await expect(openLargeImage('no such file.png')).rejects.toMatchObject({ code })
  const large = await openLargeImage(await file(image => image.png()))
  await expect(large.read([0, 0, 9, 9], { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
  await expect(large.read([0, 0, 200, 9], {})).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
})
