import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import sharp from 'sharp'
import { Mask } from '@sam/core'
import { greyPng } from '../../test/grey-png.js'
import { coco } from './coco.js'
import type { Dataset, Sample } from './dataset.js'
import { imageFolder } from './image-folder.js'
import { sa1b } from './sa1b.js'

/** Inputs that were once read wrongly; see fixtures/README.md. */
const caseOf = (name: string): string => fileURLToPath(new URL(`../../../../fixtures/cases/${name}`, import.meta.url))
const area = (mask: Uint8Array): number => mask.reduce((n, v) => n + v, 0)
const areas = ({ truths }: Sample): number[] => truths.map(({ mask }) => area(mask))
const all = async (data: Dataset): Promise<Sample[]> =>
  Promise.all(Array.from({ length: data.size }, (_, i) => data.read(i)))
const cocoCase = (name: string, json: string): Promise<Dataset> =>
  coco({ annotations: join(caseOf(name), `${json}.json`), images: join(caseOf(name), 'imgs') })

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sam-labels-'))
})
afterAll(() => rm(root, { recursive: true }))
const at = (...names: string[]): string => join(root, ...names)

describe('annotations', () => {
  it.each([
    ['twopoint', [1200, 1600], 1],
    ['missingseg', [1200, 1600], 1],
    ['nullseg', [1200, 1600], 1],
    // pycocotools leaves out a part of two points as well.
    ['twopoint_part', [1200, 1600], 0],
    ['good', [1200, 1600], 0]
  ] as const)('one without a usable mask costs that annotation alone: %s', async (json, found, skipped) => {
    const sample = await (await cocoCase('B04-coco-one-bad-annotation', json)).read(0)
    expect([areas(sample), sample.skipped!.length]).toEqual([found, skipped])
  })

  it('of one bad image of several cost that image alone', async () => {
    const data = await cocoCase('B04-coco-one-bad-annotation', 'mixed')
    const read = await Promise.all(Array.from({ length: data.size }, (_, i) => data.read(i).catch(() => undefined)))
    expect(read.filter(sample => sample && sample.truths.length).length).toBeGreaterThan(0)
  })

  it('of SA-1B are skipped one by one as well', async () => {
    await mkdir(at('sa1b/sub/日本'), { recursive: true })
    for (const name of ['sub/日本/sa_1', 'sa_2'])
      await writeFile(at('sa1b', `${name}.jpg`), await greyPng(6, 4, x => x))
    const annotations = [
      { segmentation: { size: [4, 6], counts: [0, 4, 20] } },
      { segmentation: null },
      {},
      { segmentation: { size: [4, 6], counts: [0, 5] } }
    ]
    await writeFile(at('sa1b/sub/日本/sa_1.json'), JSON.stringify({ annotations }))
    const data = await sa1b(at('sa1b'))
    expect([data.size, data.skipped]).toEqual([1, { images: 1, masks: 0 }])
    const sample = await data.read(0)
    expect([areas(sample), sample.skipped!.length]).toEqual([[4], 3])
  })

  it('of a stated size are scaled to their image', async () => {
    const sample = await (await cocoCase('B02-coco-json-size-differs', 'wrongsize')).read(0)
    expect(areas(sample)).toEqual([1200, 1600])
  })

  it('of other proportions, or outside an image of no stated size, are skipped with the reason', async () => {
    await mkdir(at('sizes'))
    await writeFile(at('sizes/a.png'), await greyPng(6, 4, x => x))
    const write = async (entry: object, segmentation: unknown): Promise<Sample> => {
      await writeFile(
        at('sizes.json'),
        JSON.stringify({
          images: [{ id: 1, file_name: 'a.png', ...entry }],
          annotations: [{ image_id: 1, segmentation }]
        })
      )
      return (await coco({ annotations: at('sizes.json'), images: at('sizes') })).read(0)
    }
    const polygon = [[0, 0, 12, 0, 12, 8, 0, 8]]
    expect((await write({}, polygon)).skipped).toEqual([expect.stringContaining('no width and height are stated')])
    expect((await write({ width: 4, height: 6 }, polygon)).skipped).toEqual([expect.stringContaining('found 4 × 6')])
    expect(areas(await write({ width: 12, height: 8 }, polygon))).toEqual([24])
    const rle = { size: [8, 12], counts: [0, 48, 48] }
    expect(areas(await write({ width: 12, height: 8 }, rle))).toEqual([12])
  })
})

describe('EXIF orientation', () => {
  // An L in the top left corner of the stored picture: no two orientations of it are equal.
  const stored = (x: number, y: number): number => (y < 2 ? 1 : x < 3 && y < 6 ? 1 : 0)
  const [width, height] = [12, 8]
  const polygon = [[0, 0, 12, 0, 12, 2, 3, 2, 3, 6, 0, 6]]
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => stored(i % width, Math.floor(i / width)))
  const rle = Mask.fromBitmap({ width, height, data: pixels }).toCocoRle()

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i: labels of the stored picture are turned with it', async orientation => {
    const folder = at(`exif ${orientation}`)
    for (const name of ['images', 'masks']) await mkdir(join(folder, name), { recursive: true })
    const picture = () =>
      sharp(
        pixels.map(v => 255 * v),
        { raw: { width, height, channels: 1 } }
      )
    await picture().withMetadata({ orientation }).png().toFile(join(folder, 'images/a.png'))
    await picture().png().toFile(join(folder, 'masks/a.png'))
    await writeFile(
      join(folder, 'labels.json'),
      JSON.stringify({
        images: [{ id: 1, file_name: 'a.png', width, height }],
        annotations: [polygon, rle].map(segmentation => ({ image_id: 1, segmentation }))
      })
    )
    const options = { annotations: join(folder, 'labels.json'), images: join(folder, 'images') }
    const samples = [
      await (await coco({ ...options, frame: 'stored' })).read(0),
      await (await imageFolder(folder, { frame: 'stored' })).read(0)
    ]
    for (const { image, truths, skipped } of samples) {
      expect(skipped).toEqual([])
      // The picture shows the mask, so sharp's turned picture says where it is.
      const shown = [...Uint8Array.from({ length: width * height }, (_, i) => (image.data[3 * i] > 127 ? 1 : 0))]
      for (const { mask } of truths) expect([...mask]).toEqual(shown)
    }
    // By default labels refer to the upright picture; a size that is not its size is an error.
    const upright = await (await coco(options)).read(0)
    expect(upright.truths.length).toBe(orientation < 5 ? 2 : 0)
    for (const why of upright.skipped!) expect(why).toContain(`EXIF orientation ${orientation}`)
  })

  it('B03: polygons of the stored picture are refused, or turned with `stored`', async () => {
    const options = {
      annotations: join(caseOf('B03-coco-exif-polygons'), 'exif_raw6.json'),
      images: join(caseOf('B03-coco-exif-polygons'), 'imgs')
    }
    const refused = await (await coco(options)).read(0)
    expect([refused.truths.length, refused.skipped!.length]).toEqual([0, 2])
    const { image, truths } = await (await coco({ ...options, frame: 'stored' })).read(0)
    expect(truths.map(({ mask }) => area(mask))).toEqual([1200, 1600])
    // Red and blue objects: their masks lie on them.
    for (const [k, channel] of [0, 2].entries()) {
      const hits = truths[k].mask.reduce((n, v, i) => n + (v && image.data[3 * i + channel] > 128 ? 1 : 0), 0)
      expect(hits / area(truths[k].mask)).toBeGreaterThan(0.9)
    }
  })
})

describe('imageFolder', () => {
  it('gives a mask to the image with the longest name that fits', async () => {
    const samples = await all(await imageFolder(caseOf('B01-folder-mask-prefix')))
    expect(samples.map(({ name, truths }) => [name, truths.length])).toEqual([
      ['frame.png', 1],
      ['frame_1.png', 1],
      ['frame_10.png', 1]
    ])
  })

  it('compares names in NFC, and counts images without masks and masks without images', async () => {
    const folder = at('names')
    for (const name of ['images/sub', 'masks/sub']) await mkdir(join(folder, name), { recursive: true })
    const [nfc, nfd] = ['bäume'.normalize('NFC'), 'bäume'.normalize('NFD')]
    for (const name of [nfc, 'x', 'nomask', 'sub/x', '._x'])
      await writeFile(join(folder, 'images', `${name}.png`), await greyPng(6, 4, x => x))
    for (const name of [nfd, 'x_1', 'sub/x-a', 'other', '._x'])
      await writeFile(join(folder, 'masks', `${name}.png`), await greyPng(6, 4, x => (x < 2 ? 255 : 0)))
    const data = await imageFolder(folder)
    expect([data.size, data.skipped]).toEqual([3, { images: 1, masks: 1 }])
    expect((await all(data)).map(({ name, truths }) => [name, truths.length])).toEqual([
      [`${nfc}.png`, 1],
      ['sub/x.png', 1],
      ['x.png', 1]
    ])
  })

  it('refuses two images of one name', async () => {
    await cp(caseOf('B01-folder-mask-prefix'), at('twice'), { recursive: true })
    await writeFile(at('twice/images/frame.jpg'), await greyPng(6, 4, x => x))
    await expect(imageFolder(at('twice'))).rejects.toThrow("found two of 'frame'")
  })

  it('skips an unusable mask alone', async () => {
    await cp(caseOf('B01-folder-mask-prefix'), at('one bad'), { recursive: true })
    await writeFile(at('one bad/masks/frame_a.png'), 'no picture')
    await writeFile(at('one bad/masks/frame_b.png'), await greyPng(6, 4, () => 0))
    const { truths, skipped } = await (await imageFolder(at('one bad'))).read(0)
    expect([truths.length, skipped!.length]).toEqual([1, 2])
  })
})

describe('coco', () => {
  it('refuses two images of one id, and two images of one file', async () => {
    await expect(cocoCase('B08-coco-duplicate-image-id', 'dupid')).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringMatching(/found 1 for 'a\.jpg' and 'sub dir\/bäume 猫\.jpg'/) as string
    })
    await writeFile(
      at('one-file.json'),
      JSON.stringify({
        images: [
          { id: 1, file_name: 'a.jpg' },
          { id: 2, file_name: 'train/a.jpg' }
        ],
        annotations: [1, 2].map(id => ({ image_id: id, segmentation: [] }))
      })
    )
    await expect(
      coco({ annotations: at('one-file.json'), images: join(caseOf('B02-coco-json-size-differs'), 'imgs') })
    ).rejects.toThrow("images 1 ('a.jpg') and 2 ('train/a.jpg') must be two files")
  })

  it.each(['nan', 'bom', 'iscrowd_str'])('reads the JSON of other tools: %s', async json => {
    expect(areas(await (await cocoCase('B16-coco-json-dialects', json)).read(0))).toEqual([1200, 1600])
  })

  it('finds files by absolute, backslash and partial paths, but none outside the folder', async () => {
    await mkdir(at('paths/imgs/val/ü 猫'), { recursive: true })
    await writeFile(at('paths/imgs/val/ü 猫/a.png'), await greyPng(6, 4, x => x))
    await writeFile(at('paths/outside.png'), await greyPng(6, 4, x => x))
    const found = async (name: string): Promise<string> => {
      const polygon = [[0, 0, 3, 0, 3, 4, 0, 4]]
      await writeFile(
        at('paths/a.json'),
        JSON.stringify({
          images: [{ id: '1', file_name: name }],
          annotations: [{ image_id: 1, segmentation: polygon }]
        })
      )
      const data = await coco({ annotations: at('paths/a.json'), images: at('paths/imgs') })
      return data.read(0).then(
        sample => String(areas(sample)),
        (error: Error) => error.message
      )
    }
    for (const name of [
      'val/ü 猫/a.png',
      'val\\ü 猫\\a.png',
      'C:\\data\\imgs\\val\\ü 猫\\a.png',
      '/home/me/imgs/val/ü 猫/a.png',
      './val/ü 猫/a.png',
      `val/${'ü 猫'.normalize('NFD')}/a.png`,
      'a.png'
    ])
      expect(await found(name), name).toBe('12')
    for (const name of ['../outside.png', at('paths/outside.png'), 'b.png'])
      expect(await found(name), name).toContain('there must be one')
  })

  it('counts annotations without an image, and images without annotations', async () => {
    await writeFile(
      at('orphans.json'),
      JSON.stringify({
        images: [{ id: 1, file_name: 'a.jpg' }, { id: 2, file_name: 'b.jpg' }, { id: 3 }],
        annotations: [{ image_id: 1, segmentation: [[0, 0, 9, 0, 9, 9]] }, { image_id: 7 }, {}]
      })
    )
    const data = await coco({
      annotations: at('orphans.json'),
      images: join(caseOf('B02-coco-json-size-differs'), 'imgs')
    })
    expect([data.size, data.skipped]).toEqual([1, { images: 2, masks: 2 }])
  })

  it('refuses a file that changed after it was opened', async () => {
    await cp(caseOf('B04-coco-one-bad-annotation'), at('changed'), { recursive: true })
    const data = await coco({ annotations: at('changed/good.json'), images: at('changed/imgs') })
    await rename(at('changed/mixed.json'), at('changed/good.json'))
    await expect(data.read(0)).rejects.toThrow('it was written to after it was opened')
  })
})
