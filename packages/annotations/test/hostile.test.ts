import { Mask, SamError } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { withUniqueIds } from '../src/ids.js'
import {
  detectFormat,
  readAnnotations,
  writeAnnotations,
  type AnnotationFormat,
  type ReadOptions
} from '../src/index.js'
import { picture } from './images.js'

const findImage = (file: string) => ({ file, width: 4, height: 3 })

type Given = string | object | Uint8Array

const read = (format: AnnotationFormat, files: Record<string, Given>, options: ReadOptions = {}) =>
  readAnnotations(
    new Map(
      Object.entries(files).map(([name, value]) => [
        name,
        value instanceof Uint8Array
          ? value
          : new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
      ])
    ),
    { format, ...options }
  )

const coco = (segmentation: unknown, image: object = {}): object => ({
  images: [{ id: 1, file_name: 'a.jpg', width: 4, height: 3, ...image }],
  annotations: [{ id: 1, image_id: 1, category_id: 1, segmentation }],
  categories: [{ id: 1, name: 'a' }]
})
const square = [0, 0, 2, 0, 2, 2, 0, 2]

const task = (result: object, data: object = {}): object => [
  { id: 1, data: { image: 'a.jpg', width: 4, height: 3, ...data }, annotations: [{ result: [{ id: 'x', ...result }] }] }
]
const brush = (rle: readonly number[]): object =>
  task({ type: 'brushlabels', value: { format: 'rle', rle, brushlabels: ['a'] } })

const labelme = (shape: object, image: object = {}): object => ({
  shapes: [{ label: 'a', shape_type: 'polygon', ...shape }],
  imagePath: 'a.jpg',
  imageWidth: 4,
  imageHeight: 3,
  ...image
})

const cvat = (inside: string, size = 'width="4" height="3"'): string =>
  `<annotations><image id="0" name="a.jpg" ${size}>${inside}</image></annotations>`
const mask = (rle: string, box = 'left="0" top="0" width="2" height="2"'): string =>
  cvat(`<mask label="a" rle="${rle}" ${box}></mask>`)

const geojson = (geometry: unknown, image: unknown = { file: 'a.jpg', width: 4, height: 3 }): object => ({
  type: 'FeatureCollection',
  image,
  features: [{ type: 'Feature', geometry }]
})
const svg = (inside: string, size = 'width="4" height="3"'): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" data-file="a.jpg" ${size}>${inside}</svg>`

/** A PNG of VOC with a changed header. */
function voc(change: (header: DataView) => void): Uint8Array {
  const files = writeAnnotations([{ ...picture, file: 'a.jpg' }], { format: 'voc' })
  const bytes = files.get('SegmentationObject/a.png')!.slice()
  change(new DataView(bytes.buffer, 16))
  return bytes
}

const bomb = `<!DOCTYPE a [<!ENTITY a "${'x'.repeat(1000)}"><!ENTITY b "${'&a;'.repeat(1000)}">]>`
const deep = 100_000

describe('readAnnotations: refuses with E_BAD_IMAGE', () => {
  it.each<[string, AnnotationFormat, Record<string, Given>]>([
    ['nothing', 'coco', { 'a.json': '' }],
    ['bytes that are not UTF-8', 'coco', { 'a.json': Uint8Array.of(0xff, 0xfe) }],
    ['a list for an object', 'coco', { 'a.json': [] }],
    ['deep JSON', 'coco', { 'a.json': '['.repeat(deep) + ']'.repeat(deep) }],
    ['deep JSON in a field', 'coco', { 'a.json': `{"images":${'['.repeat(deep)}${']'.repeat(deep)}}` }],
    ['images that are no list', 'coco', { 'a.json': { images: {}, annotations: [] } }],
    [
      'two images with one id',
      'coco',
      {
        'a.json': {
          images: [
            { id: 1, file_name: 'a', width: 1, height: 1 },
            { id: 1, file_name: 'b' }
          ]
        }
      }
    ],
    ['an annotation without its image', 'coco', { 'a.json': { images: [], annotations: [{ image_id: 4 }] } }],
    ['a size over the limit', 'coco', { 'a.json': coco([square], { width: 1e6, height: 1e6 }) }],
    ['a size of 0', 'coco', { 'a.json': coco([square], { width: 0 }) }],
    ['an image without a size', 'coco', { 'a.json': { images: [{ id: 1, file_name: 'a.jpg' }], annotations: [] } }],
    ['a polygon of 2 positions', 'coco', { 'a.json': coco([[0, 0, 3, 3]]) }],
    ['an odd number of coordinates', 'coco', { 'a.json': coco([[0, 0, 2, 0, 2]]) }],
    ['NaN coordinates', 'coco', { 'a.json': JSON.stringify(coco([square])).replace('[[0', '[[NaN') }],
    ['coordinates as text', 'coco', { 'a.json': coco([['0', '0', '2', '0', '2', '2']]) }],
    ['infinite coordinates', 'coco', { 'a.json': JSON.stringify(coco([square])).replace('[[0', '[[1e999') }],
    ['a polygon outside', 'coco', { 'a.json': coco([[10, 10, 20, 10, 20, 20]]) }],
    ['no segmentation', 'coco', { 'a.json': coco(undefined) }],
    ['RLE of another size', 'coco', { 'a.json': coco({ size: [4, 3], counts: [0, 12] }) }],
    ['counts that overflow', 'coco', { 'a.json': coco({ size: [3, 4], counts: [0, 2 ** 53, -(2 ** 53) + 12] }) }],
    ['counts that do not add up', 'coco', { 'a.json': coco({ size: [3, 4], counts: 'PPYo1' }) }],
    ['empty RLE', 'coco', { 'a.json': coco({ size: [3, 4], counts: [12] }) }],
    [
      'a score as text',
      'coco',
      { 'a.json': JSON.stringify(coco([square])).replace('"category_id"', '"score":"x","category_id"') }
    ],
    ['an id that is no text', 'coco', { 'a.json': coco([square], { id: { toString: 1, valueOf: 1 } }) }],
    [
      'an iscrowd that is no number',
      'coco',
      { 'a.json': { ...coco(null), annotations: [{ image_id: 1, iscrowd: { toString: 1 } }] } }
    ],
    [
      'an image_id of lists',
      'coco',
      { 'a.json': `{"images":[],"annotations":[{"image_id":${'['.repeat(deep)}${']'.repeat(deep)}}]}` }
    ],
    [
      'a group of lists',
      'labelme',
      {
        'a.json': JSON.stringify(labelme({ group_id: 0 })).replace(
          '"group_id":0',
          `"group_id":${'['.repeat(deep)}${']'.repeat(deep)}`
        )
      }
    ],
    ['a type that is no text', 'label-studio', { 'a.json': task({ type: { toString: 1 }, value: {} }) }],
    ['large YAML', 'yolo', { 'data.yaml': ' '.repeat(2 ** 21), 'labels/a.txt': '' }],
    ['no label file', 'yolo', { 'a.json': '{}' }],
    ['a box', 'yolo', { 'labels/a.txt': '0 0.5 0.5 0.1 0.1' }],
    ['a class of text', 'yolo', { 'labels/a.txt': 'cat 0 0 1 0 1 1' }],
    ['a negative class', 'yolo', { 'labels/a.txt': '-1 0 0 1 0 1 1' }],
    ['NaN in a line', 'yolo', { 'labels/a.txt': '0 NaN 0 1 0 1 1' }],
    ['YAML that is none', 'yolo', { 'data.yaml': 'names: [a', 'labels/a.txt': '' }],
    ['a YAML bomb', 'yolo', { 'data.yaml': yamlBomb(), 'labels/a.txt': '' }],
    ['names of text', 'yolo', { 'data.yaml': 'names: cat', 'labels/a.txt': '' }],
    ['tasks of text', 'label-studio', { 'a.json': ['x'] }],
    ['a task without data', 'label-studio', { 'a.json': [{ id: 1 }] }],
    ['a rectangle', 'label-studio', { 'a.json': task({ type: 'rectanglelabels', value: {} }) }],
    ['a rotated image', 'label-studio', { 'a.json': task({ type: 'polygonlabels', image_rotation: 90, value: {} }) }],
    ['a polygon without points', 'label-studio', { 'a.json': task({ type: 'polygonlabels', value: {} }) }],
    ['brush RLE that ends', 'label-studio', { 'a.json': brush([0, 0, 0, 48, 57]) }],
    ['brush RLE of no bytes', 'label-studio', { 'a.json': brush([0, 0, 0, 4800]) }],
    ['brush RLE of another size', 'label-studio', { 'a.json': brush([255, 255, 255, 255, 57, 27, 254]) }],
    ['brush RLE that is longer', 'label-studio', { 'a.json': brush([0, 0, 0, 48, 57, 27, 254, 223, 255, 255, 255]) }],
    [
      'two sizes of one image',
      'label-studio',
      { 'a.json': task({ type: 'polygonlabels', original_width: 5, original_height: 0, value: {} }) }
    ],
    [
      'a circle',
      'labelme',
      {
        'a.json': labelme({
          shape_type: 'circle',
          points: [
            [0, 0],
            [2, 2]
          ]
        })
      }
    ],
    [
      'a mask without a picture',
      'labelme',
      {
        'a.json': labelme({
          shape_type: 'mask',
          points: [
            [0, 0],
            [2, 2]
          ]
        })
      }
    ],
    [
      'a mask that is no PNG',
      'labelme',
      { 'a.json': labelme({ shape_type: 'mask', mask: 'aGVsbG8=', points: [[0, 0]] }) }
    ],
    ['points of points', 'labelme', { 'a.json': labelme({ points: [[[0]], [[1]], [[2]]] }) }],
    ['no size', 'labelme', { 'a.json': labelme({ points: [] }, { imageWidth: null }) }],
    ['XML that is none', 'cvat', { 'a.xml': '<annotations><image></annotations>' }],
    ['an entity bomb', 'cvat', { 'a.xml': `${bomb}${cvat('<polygon label="&b;" points="0,0;2,0;2,2"/>')}` }],
    ['an external entity', 'cvat', { 'a.xml': `<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>${cvat('&a;')}` }],
    ['deep XML', 'cvat', { 'a.xml': '<annotations>' + '<a>'.repeat(deep) }],
    ['another root', 'cvat', { 'a.xml': '<html/>' }],
    ['tracks of a video', 'cvat', { 'a.xml': '<annotations><track/></annotations>' }],
    ['a box', 'cvat', { 'a.xml': cvat('<box label="a" xtl="0" ytl="0" xbr="2" ybr="2"/>') }],
    ['a polygon without points', 'cvat', { 'a.xml': cvat('<polygon label="a"/>') }],
    ['no width', 'cvat', { 'a.xml': cvat('', 'height="3"') }],
    ['run lengths that do not add up', 'cvat', { 'a.xml': mask('0, 5') }],
    ['run lengths that overflow', 'cvat', { 'a.xml': mask('0, 9007199254740992') }],
    ['negative run lengths', 'cvat', { 'a.xml': mask('-1, 5') }],
    ['a mask outside', 'cvat', { 'a.xml': mask('0, 4', 'left="40" top="-2" width="2" height="2"') }],
    ['a mask at half pixels', 'cvat', { 'a.xml': mask('0, 4', 'left="0.5" top="0" width="2" height="2"') }],
    ['a mask of a huge box', 'cvat', { 'a.xml': mask('0, 4', 'left="0" top="0" width="1e9" height="1e9"') }],
    ['a point', 'geojson', { 'a.geojson': geojson({ type: 'Point', coordinates: [0, 0] }) }],
    ['no geometry', 'geojson', { 'a.geojson': geojson(null) }],
    ['rings of nothing', 'geojson', { 'a.geojson': geojson({ type: 'MultiPolygon', coordinates: [null] }) }],
    ['a Feature', 'geojson', { 'a.geojson': { type: 'Feature' } }],
    ['no image', 'geojson', { 'a.geojson': geojson(null, undefined) }],
    ['a circle', 'svg', { 'a.svg': svg('<circle r="2"/>') }],
    ['a curve', 'svg', { 'a.svg': svg('<path d="M0 0C1 1 2 2 3 3Z"/>') }],
    ['a relative path', 'svg', { 'a.svg': svg('<path d="M0 0l2 0l0 2Z"/>') }],
    ['a transform', 'svg', { 'a.svg': svg('<path transform="scale(2)" d="M0 0L2 0L2 2Z"/>') }],
    ['a path without end', 'svg', { 'a.svg': svg('<path d="M0 0L2 0L2 2"/>') }],
    ['sizes in percent', 'svg', { 'a.svg': svg('', 'width="100%" height="100%"') }],
    ['a PNG that ends', 'voc', { 'SegmentationObject/a.png': voc(() => {}).slice(0, 60) }],
    ['a PNG over the limit', 'voc', { 'SegmentationObject/a.png': voc(h => h.setUint32(0, 2 ** 31)) }],
    ['a PNG of another size', 'voc', { 'SegmentationObject/a.png': voc(h => h.setUint32(0, 90)) }],
    ['a PNG that unpacks to more', 'voc', { 'SegmentationObject/a.png': voc(h => h.setUint32(4, 1)) }],
    ['a PNG of 16 bits', 'voc', { 'SegmentationObject/a.png': voc(h => h.setUint8(8, 16)) }],
    ['a PNG with alpha', 'voc', { 'SegmentationObject/a.png': voc(h => h.setUint8(9, 6)) }],
    [
      'label images of two sizes',
      'voc',
      {
        'SegmentationObject/a.png': voc(() => {}),
        'SegmentationClass/a.png': writeAnnotations([{ file: 'a.jpg', width: 1, height: 1, objects: [] }], {
          format: 'voc'
        }).get('SegmentationClass/a.png')!
      }
    ]
  ])('%s (%s)', async (_, format, files) => {
    const options = format === 'yolo' ? { findImage } : {}
    const error: unknown = await read(format, files, options).then(
      images => images,
      (error: unknown) => error
    )
    expect(error).toBeInstanceOf(SamError)
    expect(error).toMatchObject({ code: 'E_BAD_IMAGE' })
  })
})

/** Nine lists, each of nine times the one before. */
function yamlBomb(): string {
  const lines = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (const [i, name] of [...'bcdefghi'].entries())
    lines.push(`${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`)
  return `${lines.join('\n')}\nnames: *i\n`
}

describe('readAnnotations', () => {
  it('skips annotations that cannot be used and says why, where it is asked to', async () => {
    const reasons: string[] = []
    const json = coco([square]) as { annotations: object[] }
    json.annotations.push({ image_id: 1 }, { image_id: 9 }, { image_id: 1, segmentation: [[0, 0, 1, 1]] })
    const [image] = await read('coco', { 'a.json': json }, { onSkipped: reason => void reasons.push(reason) })
    expect(image.objects).toHaveLength(1)
    expect(reasons).toHaveLength(3)
    expect(reasons.join('\n')).toContain('a.json: annotations[3]: ')
  })

  it('gives equal ids of a file a suffix', async () => {
    const json = coco([square]) as { annotations: object[] }
    json.annotations.push(json.annotations[0], json.annotations[0])
    const [{ objects }] = await read('coco', { 'a.json': json })
    expect(objects.map(({ id }) => id)).toEqual(['1', '1-2', '1-3'])
  })

  it('reads files with very many images and equal ids, and no more bytes than allowed', async () => {
    const images = Array.from({ length: 150_000 }, (_, i) => ({ id: i, file_name: `${i}`, width: 1, height: 1 }))
    expect(await read('coco', { 'a.json': { images, annotations: [] } })).toHaveLength(150_000)
    const same = withUniqueIds(Array.from({ length: 200_000 }, () => ({ id: 'x' })))
    expect(new Set(same.map(({ id }) => id)).size).toBe(200_000)
    await expect(read('coco', { 'a.json': coco([square]) }, { maxBytes: 100 })).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining('100 bytes')
    })
  })

  it('detects formats of hostile files in no time', () => {
    const files = new Map([
      ['a.xml', new TextEncoder().encode('<?a?>'.repeat(1000))],
      ['a.svg', new TextEncoder().encode('<!-- - -->'.repeat(1000))]
    ])
    expect(() => detectFormat(files)).toThrow(expect.objectContaining({ code: 'E_BAD_IMAGE' }))
  })

  it('reads label maps and lists with very long lines', async () => {
    const line = new TextEncoder().encode('/images/'.repeat(100_000) + ':'.repeat(100_000))
    const picture = writeAnnotations([{ file: 'a.jpg', width: 1, height: 1, objects: [] }], { format: 'voc' })
    expect(await read('voc', { ...Object.fromEntries(picture), 'labelmap.txt': line })).toHaveLength(1)
    expect(await read('yolo', { 'labels/a.txt': '', 'train.txt': line }, { findImage })).toHaveLength(1)
  })

  it('rejects with the reason of its signal', async () => {
    const controller = new AbortController()
    const work = read('coco', { 'a.json': coco([square]) }, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(work).rejects.toThrow('enough')
  })

  it.each([
    ['files that are no map', { 'a.json': new Uint8Array(0) }],
    ['text for bytes', new Map([['a.json', '{}']])]
  ])('refuses %s with E_BAD_OPTION', async (_, files) => {
    await expect(readAnnotations(files as never)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })

  it('clips polygons and masks that reach over the edges of the image', async () => {
    const huge = [-1e15, -1e15, 1e15, -1e15, 1e15, 1e15, -1e15, 1e15]
    const [{ objects }] = await read('coco', { 'a.json': coco([huge]) })
    expect(objects[0].mask.area).toBe(12)
    const [over] = await read('cvat', { 'a.xml': mask('0, 4', 'left="-1" top="-1" width="2" height="2"') })
    expect(over.objects[0].mask.boxXyxy).toEqual([0, 0, 1, 1])
  })

  it('reads SA-1B, LabelMe groups, Label Studio labels, and YOLO confidences', async () => {
    const rle = Mask.fromBitmap({ width: 2, height: 1, data: Uint8Array.of(1, 0) }).toCocoRle()
    const [sa1b] = await read('coco', {
      'sa_1.json': {
        image: { image_id: 1, file_name: 'sa_1.jpg', width: 2, height: 1 },
        annotations: [{ id: 7, segmentation: rle, predicted_iou: 0.9 }]
      }
    })
    expect([sa1b.file, sa1b.objects[0].id, sa1b.objects[0].mask.area]).toEqual(['sa_1.jpg', '7', 1])

    const triangle = (x: number) => ({
      label: 'a',
      group_id: 3,
      points: [
        [x, 0],
        [x + 1, 0],
        [x + 1, 1],
        [x, 1]
      ]
    })
    const [grouped] = await read('labelme', { 'a.json': { ...labelme({}), shapes: [triangle(0), triangle(2)] } })
    expect(grouped.objects.map(({ id, mask }) => [id, mask.area])).toEqual([['3', 2]])

    const polygon = {
      id: 'x',
      type: 'polygon',
      value: {
        points: [
          [0, 0],
          [50, 0],
          [50, 100],
          [0, 100]
        ]
      }
    }
    const [labelled] = await read('label-studio', {
      'a.json': [
        {
          data: { image: 'a.jpg', width: 4, height: 3 },
          annotations: [
            { was_cancelled: true, result: [polygon] },
            { result: [polygon, { id: 'x', type: 'labels', value: { labels: ['cat'] } }] }
          ],
          predictions: [{ result: [polygon], score: 0.5 }]
        }
      ]
    })
    expect(labelled.objects.map(({ category, mask }) => [category, mask.area])).toEqual([['cat', 6]])

    const [yolo] = await read(
      'yolo',
      { 'data.yaml': 'names: [cat, dog]', 'labels/train/a.txt': '1 0 0 1 0 1 1 0 1 0.75\r\n\r\n' },
      { findImage }
    )
    expect([yolo.file, yolo.objects[0].category, yolo.objects[0].score]).toEqual(['train/a', 'dog', 0.75])
  })
})
