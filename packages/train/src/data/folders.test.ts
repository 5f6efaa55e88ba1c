import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from '@sam/core'
import { coco } from './coco.js'
import { imageFolder } from './image-folder.js'
import { sa1b } from './sa1b.js'

const area = (mask: Uint8Array): number => mask.reduce((n, v) => n + v, 0)
const png = (width: number, height: number, f: (x: number, y: number) => number): Promise<Uint8Array> =>
  encodePng({ width, height, channels: 1, data: Uint8Array.from({ length: width * height }, (_, i) => f(i % width, Math.floor(i / width))) })

describe('folders of images', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sam-data-'))
    for (const folder of ['images', 'masks', 'sa1b', 'none']) await mkdir(join(root, folder))
    await writeFile(join(root, 'images/cat.png'), await png(6, 4, x => 40 * x))
    await writeFile(join(root, 'masks/cat.png'), await png(6, 4, x => x < 2 ? 255 : 0))
    await writeFile(join(root, 'masks/cat_1.png'), await png(6, 4, (_, y) => y < 1 ? 255 : 100))
    await writeFile(join(root, 'images/catfish.png'), await png(6, 4, x => 40 * x))
    await writeFile(join(root, 'masks/catfish.png'), await png(5, 4, () => 255))
    const picture = await png(6, 4, x => 40 * x)
    const rle = { size: [4, 6], counts: [0, 4, 20] }
    // Formats go by content: a PNG under a .jpg name is read as a PNG.
    for (const name of ['sa_1', 'sa_2', 'sa_3']) await writeFile(join(root, `sa1b/${name}.jpg`), picture)
    await writeFile(join(root, 'sa1b/sa_1.json'), JSON.stringify({ annotations: [{ segmentation: rle }] }))
    await writeFile(join(root, 'sa1b/sa_2.json'), '{"annotations": [{"segm')
    await writeFile(join(root, 'sa1b/sa_3.json'), JSON.stringify({ annotations: [{ segmentation: { size: [4, 7], counts: [0, 28] } }] }))
    await writeFile(join(root, 'instances.json'), JSON.stringify({
      images: [{ id: 7, file_name: 'cat.png' }, { id: 8, file_name: 'catfish.png' }],
      categories: [{ id: 1, name: 'cat' }],
      annotations: [
        { image_id: 7, category_id: 1, segmentation: [[0, 0, 3, 0, 3, 4, 0, 4]] },
        { image_id: 7, category_id: 1, segmentation: rle },
        { image_id: 7, category_id: 1, iscrowd: 1, segmentation: rle }
      ]
    }))
  })
  afterAll(() => rm(root, { recursive: true }))

  it('pairs images with their masks by name', async () => {
    const data = await imageFolder(root)
    expect(data.size).toBe(2)
    const { image, truths } = await data.read(0)
    expect([image.width, image.height, ...truths.map(t => area(t.mask))]).toEqual([6, 4, 8, 6])
    await expect(data.read(1)).rejects.toMatchObject({ code: 'E_BAD_IMAGE', message: expect.stringContaining("its image's 6 × 4 pixels, found 5 × 4") as string })
    await expect(imageFolder(join(root, 'none'))).rejects.toThrow('must hold the folders images and masks')
  })

  it('reads SA-1B, and says what is wrong with a file', async () => {
    const data = await sa1b(join(root, 'sa1b'))
    expect(data.size).toBe(3)
    expect(area((await data.read(0)).truths[0].mask)).toBe(4)
    await expect(data.read(1)).rejects.toMatchObject({ code: 'E_BAD_IMAGE', message: expect.stringContaining('not whole JSON') as string })
    await expect(data.read(2)).rejects.toMatchObject({ name: 'InputError' })
    await expect(sa1b(join(root, 'none'))).rejects.toThrow('found 0 files and no pair')
  })

  it('reads COCO: polygons, run lengths, categories; no crowds', async () => {
    const data = await coco({ annotations: join(root, 'instances.json'), images: join(root, 'images') })
    expect(data.size).toBe(1)
    const { truths } = await data.read(0)
    expect(truths.map(t => [area(t.mask), t.caption])).toEqual([[12, 'cat'], [4, 'cat']])
  })
})
