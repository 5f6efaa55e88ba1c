import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { greyPng } from '../../test/grey-png.js'
import { coco } from './coco.js'
import { imageFolder } from './image-folder.js'
import { sa1b } from './sa1b.js'

const area = (mask: Uint8Array): number => mask.reduce((n, v) => n + v, 0)

describe('data sets on disk', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sam-data-'))
    for (const folder of ['images', 'masks', 'sa1b', 'none']) await mkdir(join(root, folder))
    await writeFile(join(root, 'images/cat.png'), await greyPng(6, 4, x => 40 * x))
    await writeFile(join(root, 'masks/cat.png'), await greyPng(6, 4, x => (x < 2 ? 255 : 0)))
    await writeFile(join(root, 'masks/cat_1.png'), await greyPng(6, 4, (_, y) => (y < 1 ? 255 : 0)))
    await writeFile(join(root, 'images/catfish.png'), await greyPng(6, 4, x => 40 * x))
    await writeFile(join(root, 'masks/catfish.png'), await greyPng(5, 4, () => 255))
    const picture = await greyPng(6, 4, x => 40 * x)
    const rle = { size: [4, 6], counts: [0, 4, 20] }
    // Formats go by content: a PNG under a .jpg name is read as a PNG.
    for (const name of ['sa_1', 'sa_2', 'sa_3']) await writeFile(join(root, `sa1b/${name}.jpg`), picture)
    await writeFile(join(root, 'sa1b/sa_1.json'), JSON.stringify({ annotations: [{ segmentation: rle }] }))
    await writeFile(join(root, 'sa1b/sa_2.json'), '{"annotations": [{"segm')
    await writeFile(
      join(root, 'sa1b/sa_3.json'),
      JSON.stringify({ annotations: [{ segmentation: { size: [4, 7], counts: [0, 28] } }] })
    )
    await writeFile(
      join(root, 'instances.json'),
      JSON.stringify({
        images: [
          { id: 7, file_name: 'cat.png' },
          { id: 8, file_name: 'catfish.png' }
        ],
        categories: [{ id: 1, name: 'cat' }],
        annotations: [
          { image_id: 7, category_id: 1, segmentation: [[0, 0, 3, 0, 3, 4, 0, 4]] },
          { image_id: 7, category_id: 1, segmentation: rle },
          { image_id: 7, category_id: 1, iscrowd: 1, segmentation: rle }
        ]
      })
    )
  })
  afterAll(() => rm(root, { recursive: true }))

  it('imageFolder: pairs images with their masks by name', async () => {
    const data = await imageFolder(root)
    expect(data.size).toBe(2)
    const { image, truths } = await data.read(0)
    expect([image.width, image.height, ...truths.map(t => area(t.mask))]).toEqual([6, 4, 8, 6])
    expect(await data.read(1)).toMatchObject({
      truths: [],
      skipped: [expect.stringContaining('catfish.png: labels must have the proportions') as string]
    })
    await expect(imageFolder(join(root, 'none'))).rejects.toThrow('must hold the folders images and masks')
  })

  it('sa1b: reads samples and names a broken file', async () => {
    const data = await sa1b(join(root, 'sa1b'))
    expect(data.size).toBe(3)
    expect(area((await data.read(0)).truths[0].mask)).toBe(4)
    await expect(data.read(1)).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining('not valid JSON') as string
    })
    expect(await data.read(2)).toMatchObject({
      truths: [],
      skipped: [expect.stringContaining('6 × 4 pixels, found 7 × 4') as string]
    })
    await expect(sa1b(join(root, 'none'))).rejects.toThrow('found 0 files and no pair')
  })

  it('sa1b: reads compressed run lengths', async () => {
    const folder = join(root, 'packed')
    await mkdir(folder)
    await writeFile(join(folder, 'sa_1.jpg'), await greyPng(6, 4, x => 40 * x))
    const segmentation = { size: [4, 6], counts: '`08' } // 16 outside, 8 inside, column by column
    await writeFile(
      join(folder, 'sa_1.json'),
      JSON.stringify({ image: { image_id: 1 }, annotations: [{ segmentation, area: 8 }] })
    )
    const {
      truths: [truth]
    } = await (await sa1b(folder)).read(0)
    expect([...truth.mask]).toEqual(Array.from({ length: 24 }, (_, i) => (i % 6 > 3 ? 1 : 0)))
  })

  it('coco: reads polygons, run lengths and categories, without crowds', async () => {
    const data = await coco({ annotations: join(root, 'instances.json'), images: join(root, 'images') })
    expect(data.size).toBe(1)
    const { truths } = await data.read(0)
    expect(truths.map(t => [area(t.mask), t.caption])).toEqual([
      [12, 'cat'],
      [4, 'cat']
    ])
  })

  it('coco: reads every kind of segmentation, ignores crowds and skips unusable ones with the reason', async () => {
    const unfit: Readonly<Record<string, [unknown, string]>> = {
      'two parts': [
        [
          [0, 0, 2, 0, 2, 4, 0, 4],
          [4, 0, 6, 0, 6, 4, 4, 4]
        ],
        '16 pixels'
      ],
      outside: [[[-9, -9, 99, -9, 99, 99, -9, 99]], '24 pixels'],
      'no polygon': [[], 'at least three x, y, found none'],
      'a line': [[[0, 0, 3, 0]], 'at least three x, y'],
      'odd numbers': [[[0, 0, 3, 0, 3, 4, 0]], 'an odd number of values'],
      'not numbers': [[[0, 0, null, 0, 3, 4]], 'values that are no numbers'],
      none: [null, 'must be { size: [height, width], counts }'],
      'nothing at all': [undefined, 'must be { size: [height, width], counts }'],
      'an empty mask': [{ size: [4, 6], counts: [24] }, 'must have pixels inside'],
      'another size': [{ size: [6, 4], counts: [0, 24] }, '6 × 4 pixels, found 4 × 6'],
      'a huge one': [{ size: [1e9, 1e9], counts: [0, 1e18] }, '6 × 4 pixels, found 1000000000 × 1000000000'],
      'too few': [{ size: [4, 6], counts: [0, 23] }, 'counts must add up'],
      negative: [{ size: [4, 6], counts: [30, -6] }, 'counts must be whole numbers'],
      'letters outside the code': [{ size: [4, 6], counts: '\u0000' }, 'rle']
    }
    const names = Object.keys(unfit)
    await writeFile(
      join(root, 'odd.json'),
      JSON.stringify({
        images: names.map((_, id) => ({ id, file_name: 'cat.png', width: 6, height: 4 })),
        annotations: names.flatMap((name, id) => [
          { image_id: id, segmentation: unfit[name][0] },
          { image_id: id, iscrowd: 1, segmentation: { size: [1e9, 1e9], counts: 'not even packed' } }
        ])
      })
    )
    const data = await coco({ annotations: join(root, 'odd.json'), images: join(root, 'images') })
    expect(data.size).toBe(names.length)
    for (const [i, name] of names.entries()) {
      const { truths, skipped } = await data.read(i)
      expect([truths.length + skipped!.length, skipped!.every(why => why.includes('odd.json'))], name).toEqual([
        1,
        true
      ])
      const found = skipped![0] ?? `${area(truths[0].mask)} pixels`
      expect(found, name).toContain(unfit[name][1])
    }
  })

  it('coco: refuses a truncated or malformed file', async () => {
    const open = async (text: string) => {
      await writeFile(join(root, 'broken.json'), text)
      return coco({ annotations: join(root, 'broken.json'), images: join(root, 'images') })
    }
    await expect(open('{"images": [{"id"')).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining('not valid JSON') as string
    })
    await expect(open('null')).rejects.toThrow("'annotations' must be a list")
    await expect(open('{"annotations": [null], "images": []}')).rejects.toThrow(
      "'annotations' must be a list of objects, found null at 0"
    )
    await expect(open('{"annotations": [{"image_id": 1}], "images": [7]}')).rejects.toThrow(
      "'images' must be a list of objects, found 7 at 0"
    )
    await expect(open('{"annotations": [{"image_id": 1}], "images": []}')).rejects.toThrow(
      'must have images with annotations, found none'
    )
    await expect(coco({ annotations: join(root, 'absent.json'), images: root })).rejects.toMatchObject({
      name: 'InputError'
    })
  })

  it('coco: names a missing, truncated or invalid image', async () => {
    await writeFile(join(root, 'images/short.png'), (await greyPng(60, 40, x => 4 * x)).subarray(0, 90))
    await writeFile(join(root, 'images/text.png'), 'no picture')
    const names = ['absent.png', 'short.png', 'text.png']
    const polygon = [[0, 0, 3, 0, 3, 4]]
    await writeFile(
      join(root, 'files.json'),
      JSON.stringify({
        images: names.map((name, id) => ({ id, file_name: name })),
        annotations: names.map((_, id) => ({ image_id: id, segmentation: polygon }))
      })
    )
    const data = await coco({ annotations: join(root, 'files.json'), images: join(root, 'images') })
    for (const [i, name] of names.entries())
      await expect(data.read(i), name).rejects.toMatchObject({
        name: 'InputError',
        message: expect.stringContaining(name) as string
      })
  })
})
