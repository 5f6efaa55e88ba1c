import { decodeImage, Mask } from '@sam/core'
import { readAnnotations } from '@sam/annotations'
import { decode } from 'fast-png'
import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { categoryOf, exactMasks, type ExportPicture, type MaskOptions } from './export-picture.js'
import type { ExportFormat } from './formats.js'
import { makeFiles } from './make-files.js'
import { uniqueNames } from './names.js'
import { packed } from './packed.js'

const size = { width: 40, height: 30 }
const disc = (cx: number, cy: number, radius: number): Mask =>
  Mask.fromBitmap({
    ...size,
    data: Uint8Array.from({ length: 1200 }, (_, i) =>
      Number(Math.hypot((i % 40) + 0.5 - cx, Math.floor(i / 40) + 0.5 - cy) < radius)
    )
  })
const nothing = disc(-50, 0, 1)
const object = (id: number, mask: Mask, part: object = {}) => ({
  id,
  name: `Object ${id}`,
  color: '#102030',
  mask,
  ...part
})
const picture = (file: string, ...objects: ExportPicture['objects']): ExportPicture => ({
  file,
  blob: new Blob(),
  ...size,
  objects
})
const two = picture(
  'sub.folder/cat.jpg',
  object(1, disc(12, 12, 8), { label: 'cat', score: 0.9 }),
  object(2, disc(30, 20, 6), { name: 'a red star 2', color: 'rgb(1 2 3)' })
)
const rgba = Uint8ClampedArray.from({ length: 4800 }, (_, i) => (i % 4 === 3 ? 255 : i % 200))
const files = (pictures: readonly ExportPicture[], format: ExportFormat, masks: Partial<MaskOptions> = {}) =>
  makeFiles(pictures, {
    format,
    masks: { ...exactMasks, ...masks },
    pixelsOf: async () => ({ ...size, data: rgba })
  })
const masksIn = async (format: 'coco' | 'yolo' | 'label-studio' | 'svg', masks: Partial<MaskOptions> = {}) =>
  (
    await readAnnotations(await files([two], format, masks), {
      format,
      findImage: async () => ({ file: two.file, ...size })
    })
  )[0].objects

describe('makeFiles', () => {
  for (const format of ['coco', 'yolo', 'label-studio', 'svg'] as const)
    it(`${format}: is read back with exactly the masks and their categories`, async () => {
      for (const shapes of ['mask', 'polygon'] as const) {
        const found = await masksIn(format, { shapes })
        expect(found.map(({ mask }, i) => mask.iou(two.objects[i].mask))).toEqual([1, 1])
        expect(found.map(({ category }) => category)).toEqual(['cat', 'a red star'])
      }
    })

  it('svg: with smooth and simplify, has fewer corners and nearly the same masks', async () => {
    const masks = { smooth: true, simplify: 0.5 }
    const found = await masksIn('svg', masks)
    for (const [i, { mask }] of found.entries()) expect(mask.iou(two.objects[i].mask)).toBeGreaterThan(0.93)
    const [svg] = (await files([two], 'svg', masks)).values()
    const corners = new TextDecoder().decode(svg).match(/[ML]/g)!.length
    const [exact] = (await files([two], 'svg')).values()
    expect(corners).toBeLessThan(new TextDecoder().decode(exact).match(/[ML]/g)!.length)
  })

  it('labels: has the number of each object in its pixels, its colour in the palette, and a table', async () => {
    const found = await files([two], 'labels')
    expect([...found.keys()]).toEqual(['sub.folder/cat-labels.png', 'sub.folder/cat-labels.csv'])
    const [png, csv] = found.values()
    const { data, palette } = decode(png)
    two.objects.forEach(({ mask }, i) =>
      expect([...mask.bitmap()]).toEqual([...(data as Uint8Array)].map(value => Number(value === i + 1)))
    )
    expect(palette!.slice(1, 3).map(color => [...color].slice(0, 3))).toEqual([
      [16, 32, 48],
      [1, 2, 3]
    ])
    expect(new TextDecoder().decode(csv)).toBe('value,object,category\n1,Object 1,cat\n2,a red star 2,a red star\n')
  })

  it('labels: has 16 bits for more than 255 objects', async () => {
    const many = picture('many.png', ...Array.from({ length: 300 }, (_, i) => object(i + 1, disc(20, 15, 12 - i / 50))))
    const { data, depth } = decode([...(await files([many], 'labels')).values()][0])
    expect(depth).toBe(16)
    expect(Math.max(...data)).toBeGreaterThan(255)
  })

  it('masks and cut-outs: are one PNG per object, of the size of the picture and of the object', async () => {
    const masks = await files([two], 'masks')
    expect([...masks.keys()]).toEqual(['sub.folder/cat-Object 1.png', 'sub.folder/cat-a red star 2.png'])
    const [first] = masks.values()
    const { data } = await decodeImage(first)
    expect(Array.from({ length: 1200 }, (_, i) => data[3 * i] / 255)).toEqual([...two.objects[0].mask.bitmap()])
    const [, cut] = (await files([two], 'cut-out')).values()
    const [x0, y0, x1, y1] = two.objects[1].mask.boxXyxy
    expect(await decodeImage(cut)).toMatchObject({ width: x1 - x0, height: y1 - y0 })
  })

  it('leaves out empty masks, and has no files if all are empty', async () => {
    for (const format of ['cut-out', 'masks', 'labels', 'coco', 'yolo', 'label-studio', 'svg'] as const) {
      expect((await files([picture('a.jpg', object(1, nothing))], format)).size).toBe(0)
      const some = await files([picture('a.jpg', object(1, nothing), object(2, disc(9, 9, 4)))], format)
      expect(some.size).toBeGreaterThan(0)
      expect([...some.keys()].some(name => name.includes('Object 1'))).toBe(false)
    }
  })

  it('removes islands and holes below the minimum area', async () => {
    const ring = Mask.fromBitmap({
      ...size,
      data: disc(12, 12, 8)
        .bitmap()
        .map((v, i) => (i === 12 * 40 + 12 ? 0 : i === 20 * 40 + 35 ? 1 : v))
    })
    const found = await files([picture('a.jpg', object(1, ring))], 'coco', { minArea: 5 })
    const [{ objects }] = await readAnnotations(found)
    expect(objects[0].mask.iou(disc(12, 12, 8))).toBe(1)
  })

  it('reports each object, and stops at an abort', async () => {
    const steps: string[] = []
    const abort = new AbortController()
    const made = makeFiles([two], {
      format: 'masks',
      masks: exactMasks,
      pixelsOf: () => Promise.reject(new Error('not needed')),
      signal: abort.signal,
      onStep: (done, total) => {
        steps.push(`${done}/${total}`)
        abort.abort()
      }
    })
    await expect(made).rejects.toThrow('aborted')
    expect(steps).toEqual(['1/2'])
  })
})

describe('packed', () => {
  it('gives one file as it is, several pictures of one name as a zip, and nothing without files', async () => {
    const one = packed(await files([two], 'coco'), 'all')!
    expect([one.name, one.blob.type]).toEqual(['annotations.json', 'application/json'])
    const same = await files([two, two], 'masks')
    const zip = packed(same, 'all')!
    expect(zip.name).toBe('all.zip')
    const entries = unzipSync(new Uint8Array(await zip.blob.arrayBuffer()))
    expect(Object.keys(entries)).toEqual([...same.keys()])
    for (const [name, bytes] of same) expect(Buffer.compare(entries[name], bytes)).toBe(0)
    expect(packed(new Map(), 'all')).toBeUndefined()
  })
})

it('uniqueNames: numbers names that repeat, without regard to case and extension', () => {
  expect(uniqueNames(['a.jpg', 'A.png', 'b', 'a.jpg', 'a-2.jpg'])).toEqual([
    'a.jpg',
    'A-2.png',
    'b',
    'a-3.jpg',
    'a-2-2.jpg'
  ])
})

it('categoryOf: is the label, else a name that the user has given, without the number of a copy', () => {
  const of = (name: string, label?: string) => categoryOf({ name, label })
  expect([of('Object 3'), of('Object 3', 'cat'), of('a star 2'), of('dog copy'), of('Tom\n')]).toEqual([
    undefined,
    'cat',
    'a star',
    'dog',
    'Tom'
  ])
})
