import { encode } from 'fast-png'
import { describe, expect, it } from 'vitest'
import { failingIn } from './fail.js'
import { readAnnotations } from './index.js'
import { readPng, writePng } from './png.js'

const fail = failingIn('a.png')

describe('readPng', () => {
  it('reads what writePng wrote, with and without a palette', async () => {
    const size = { width: 3, height: 2 }
    const data = Uint8Array.of(0, 1, 2, 2, 1, 0)
    const palette = [
      [0, 0, 0],
      [250, 50, 83],
      [1, 2, 3]
    ]
    expect(await readPng(writePng({ ...size, data, palette }), fail)).toEqual({ ...size, channels: 1, data, palette })
    expect(await readPng(writePng({ ...size, data }), fail)).toMatchObject({ channels: 1, data, palette: undefined })
  })

  it.each([
    [1, [0b10110000, 0b01000000], [1, 0, 1, 1, 0, 1, 0, 0]],
    [2, [0b11100100, 0b00011011], [3, 2, 1, 0, 0, 1, 2, 3]],
    [4, [0xf0, 0x12, 0x34, 0x56], [15, 0, 1, 2, 3, 4, 5, 6]]
  ] as const)('unpacks %i bits per pixel', async (depth, packed, values) => {
    const bytes = encode({ width: 4, height: 2, depth, channels: 1, data: Uint8Array.from(packed) })
    expect([...(await readPng(bytes, fail)).data]).toEqual(values)
  })

  it('reads interlaced pictures', async () => {
    const data = Uint8Array.from({ length: 77 }, (_, i) => i)
    const bytes = encode({ width: 11, height: 7, depth: 8, channels: 1, data }, { interlace: 'Adam7' })
    expect((await readPng(bytes, fail)).data).toEqual(data)
  })
})

it('voc: label images in the colours of a label map, as CVAT writes them', async () => {
  const colors = [
    [0, 0, 0],
    [250, 50, 83],
    [224, 224, 192],
    [128, 0, 0]
  ]
  const png = encode({ width: 4, height: 1, channels: 3, data: Uint8Array.from(colors.flat()) })
  const text = '# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad: wet:250,50,83::\n'
  const files = new Map([
    ['labelmap.txt', new TextEncoder().encode(text)],
    ['SegmentationClass/a.png', png]
  ])
  const [{ file, objects }] = await readAnnotations(files)
  // The third pixel is void. The colour of the fourth has no name: its category is its index in VOC's palette.
  expect([file, objects.map(({ category, mask }) => [category, mask.boxXyxy])]).toEqual([
    'a.jpg',
    [
      ['1', [3, 0, 4, 1]],
      ['road: wet', [1, 0, 2, 1]]
    ]
  ])
})
