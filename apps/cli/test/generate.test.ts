import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import sharp from 'sharp'
import { decodeImage, labelMap, Mask, type CocoRle } from '@sam/core'
import { resultsIn, sam, tinyPhoto, workFolder } from './sam.js'

describe('sam generate', async () => {
  const folder = await workFolder()
  const photos = join(folder, 'photos')
  await mkdir(photos)
  await writeFile(join(photos, 'a.png'), await tinyPhoto())
  await writeFile(join(photos, 'b.png'), 'no photo')
  await writeFile(join(photos, 'notes.txt'), 'not read')
  // The tiny model is unsure of photos: without filters it finds masks.
  const settings = ['--model', 'tiny', '--points-per-side', '4', '--pred-iou-thresh', '0', '--stability-score-thresh=0']
  const generate = (...argv: string[]) => sam(['generate', ...argv, ...settings])

  it("writes Meta's folder of images and metadata.csv, and an overlay", async () => {
    const out = join(folder, 'png')
    const { code, out: text } = await generate(join(photos, 'a.png'), '--out', out)
    expect(code).toBe(0)
    expect(text).toContain(join(out, 'a', 'metadata.csv'))
    const [header, ...rows] = (await readFile(join(out, 'a', 'metadata.csv'), 'utf8')).trim().split('\n')
    expect(header).toBe(
      'id,area,bbox_x0,bbox_y0,bbox_w,bbox_h,point_input_x,point_input_y,predicted_iou,stability_score,' +
        'crop_box_x0,crop_box_y0,crop_box_w,crop_box_h'
    )
    expect(rows.length).toBeGreaterThan(1)
    expect(resultsIn(out).filter(name => name.endsWith('.png'))).toHaveLength(rows.length + 1)
    for (const row of rows) {
      const [id, area, x, y, w, h, , , , , ...crop] = row.split(',').map(Number)
      const { width, height, data } = await decodeImage(join(out, 'a', `${id}.png`))
      const mask = new Mask({ width, height, data: Uint8Array.from({ length: width * height }, (_, i) => data[3 * i]) })
      expect([mask.area, ...mask.boxXywh]).toEqual([area, x, y, w, h])
      expect(crop).toEqual([0, 0, 150, 100])
    }
  })

  it('writes COCO RLE with --convert-to-rle, for each image of a folder, and skips unreadable ones', async () => {
    const out = join(folder, 'rle')
    const { code, out: text } = await generate(photos, '--convert-to-rle', '--out', out, '--json')
    expect(code).toBe(1)
    const { images } = JSON.parse(text) as { images: { masks: number }[] }
    expect(images).toMatchObject([
      { image: join(photos, 'a.png'), file: join(out, 'a.json'), overlay: join(out, 'a-overlay.png') },
      { image: join(photos, 'b.png'), error: { code: 'E_BAD_IMAGE' } }
    ])
    expect(resultsIn(out)).toEqual(['a-overlay.png', 'a.json'])
    const records = JSON.parse(await readFile(join(out, 'a.json'), 'utf8')) as {
      segmentation: CocoRle
      area: number
      bbox: number[]
    }[]
    expect(records).toHaveLength(images[0].masks)
    for (const { segmentation, area, bbox } of records) {
      const mask = Mask.fromRle(segmentation)
      expect([mask.area, ...mask.boxXywh]).toEqual([area, ...bbox])
    }
    expect(records[0]).toMatchObject({
      crop_box: [0, 0, 150, 100],
      point_coords: [[expect.any(Number), expect.any(Number)]]
    })
  })

  it('writes the annotations of all images with --format, and refuses it with --convert-to-rle', async () => {
    const out = join(folder, 'annotations')
    const { code, err } = await generate(photos, '--format', 'coco', '--shapes', 'polygon', '--out', out, '-q')
    expect([code, err]).toEqual([1, expect.stringContaining('b.png')])
    expect(resultsIn(out)).toEqual(['a-overlay.png', 'annotations.json'])
    const { images, annotations } = JSON.parse(await readFile(join(out, 'annotations.json'), 'utf8')) as {
      images: unknown
      annotations: { score: number; segmentation: unknown[][]; area: number }[]
    }
    expect(images).toEqual([{ id: 1, file_name: 'a.png', width: 150, height: 100 }])
    expect(annotations.length).toBeGreaterThan(1)
    for (const { score, segmentation, area } of annotations) {
      expect(score).toBeGreaterThan(0)
      expect(segmentation[0].length).toBeGreaterThanOrEqual(8)
      expect(area).toBeGreaterThan(0)
    }
    expect((await generate(photos, '--format', 'coco', '--convert-to-rle')).code).toBe(2)
  })

  it('writes the tree and the label map; ids are those of the files beside them', async () => {
    const out = join(folder, 'tree')
    const argv = ['--tree', '--label-map', 'smallest', '--out', out, '--json', '--convert-to-rle']
    const { code, out: text } = await generate(join(photos, 'a.png'), ...argv)
    expect(code).toBe(0)
    const [{ masks, tree, labels: labelFile }] = (JSON.parse(text) as { images: Record<string, string>[] }).images
    interface Node {
      id: number
      level: string
      children: Node[]
    }
    const flat = (nodes: Node[]): Node[] => nodes.flatMap(node => [node, ...flat(node.children)])
    const nodes = flat(JSON.parse(await readFile(tree, 'utf8')) as Node[])
    expect(nodes.map(({ id }) => id).sort((a, b) => a - b)).toEqual(Array.from({ length: Number(masks) }, (_, i) => i))
    expect(nodes[0].level).toBe('whole')
    expect(resultsIn(out)).toEqual([
      'a-labels-overlay.png',
      'a-labels.png',
      'a-overlay.png',
      'a-tree-overlay.png',
      'a-tree.json',
      'a.json'
    ])

    const records = JSON.parse(await readFile(join(out, 'a.json'), 'utf8')) as { segmentation: CocoRle }[]
    const { data, info } = await sharp(labelFile)
      .toColourspace('grey16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true })
    expect([info.width, info.height, info.channels]).toEqual([150, 100, 1])
    const labels = new Uint16Array(data.buffer, data.byteOffset, 150 * 100)
    const expected = labelMap(
      records.map(({ segmentation }) => Mask.fromRle(segmentation)),
      { prefer: 'smallest' }
    )
    expect(labels).toEqual(expected.data)
  })

  it('generates by tiles, into files that need no bitmaps', async () => {
    const out = join(folder, 'tiles')
    const tiles = ['--tile-size', '64', '--tile-overlap', '32', '--convert-to-rle']
    const { code, out: text } = await generate(photos, ...tiles, '--tree', '--out', out, '--json')
    expect(code).toBe(1)
    const { images } = JSON.parse(text) as { images: { masks: number; overlay?: string }[] }
    expect(images).toMatchObject([{ file: join(out, 'a.json') }, { error: { code: 'E_BAD_IMAGE' } }])
    expect(images[0].overlay).toBeUndefined()
    expect(resultsIn(out)).toEqual(['a-tree.json', 'a.json'])
    const records = JSON.parse(await readFile(join(out, 'a.json'), 'utf8')) as { crop_box: number[] }[]
    expect(records).toHaveLength(images[0].masks)
    expect(new Set(records.map(({ crop_box: [, , width] }) => width)).has(64)).toBe(true)
  })

  it.each([
    [['--tile-size', '64'], '--convert-to-rle or --format'],
    [['--tile-overlap', '8'], 'needs --tile-size'],
    [['--tile-size', '64', '--convert-to-rle', '--label-map', 'first'], '--label-map'],
    [['--tile-size', '64', '--convert-to-rle', '--overlap-iou', '0.8'], '--overlap-iou']
  ])('refuses %j', async (argv, message) => {
    const { code, err } = await generate(join(photos, 'a.png'), ...argv)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  it('passes its settings on, and removes the results of an earlier run from the folder of an image', async () => {
    const out = join(folder, 'again')
    const masks = async (...argv: string[]): Promise<number> => {
      const { code, out: text } = await generate(join(photos, 'a.png'), '--out', out, '--json', ...argv)
      expect(code).toBe(0)
      return (JSON.parse(text) as { images: [{ masks: number }] }).images[0].masks
    }
    const many = await masks('--box-nms-thresh', '1')
    const few = await masks('--box-nms-thresh', '0.1')
    expect(few).toBeLessThan(many)
    expect(resultsIn(join(out, 'a'))).toHaveLength(few + 1)
  })

  it('exits with 2 for a wrong setting and with 1 for a folder without images', async () => {
    expect(await sam(['generate', 'x.png', '--pred-iou-thresh', 'high'])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--pred-iou-thresh must be a number, found 'high'") as string
    })
    await mkdir(join(folder, 'none'))
    expect(await sam(['generate', join(folder, 'none')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('a folder must hold images, found none') as string
    })
  })
})
