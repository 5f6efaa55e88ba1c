import { Mask, SamError } from '@sam/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  annotationFormats,
  detectFormat,
  readAnnotations,
  writeAnnotations,
  type AnnotatedImage,
  type AnnotatedObject,
  type AnnotationFormat,
  type WriteOptions
} from '../src/index.js'
import { emptyPicture, maskOf, picture, pictures } from './images.js'

/** What each format loses: the table of the README. */
const lost: Readonly<Record<AnnotationFormat, readonly (keyof AnnotatedObject | 'imageId')[]>> = {
  coco: [],
  'label-studio': ['crowd'],
  labelme: ['crowd', 'imageId'],
  cvat: ['crowd'],
  geojson: [],
  svg: [],
  yolo: ['id', 'score', 'crowd', 'imageId'],
  voc: ['score', 'crowd', 'imageId']
}

const bare = (file: string): string => file.replace(/\.\w+$/, '')

/** Images as plain data, as a format keeps them: masks as bitmaps, and objects by id where the format sorts them. */
function kept(images: readonly AnnotatedImage[], format: AnnotationFormat): unknown {
  const lose = lost[format]
  return images.map(({ id, file, width, height, objects }) => ({
    ...(lose.includes('imageId') ? {} : { id }),
    file,
    width,
    height,
    objects: objects
      .map(object => ({
        id: lose.includes('id') ? undefined : object.id,
        category: object.category,
        score: lose.includes('score') ? undefined : object.score,
        crowd: lose.includes('crowd') ? false : (object.crowd ?? false),
        pixels: [...object.mask.bitmap()].join('')
      }))
      .sort((a, b) => (format === 'voc' ? Number(a.id) - Number(b.id) : 0))
  }))
}

async function roundTrip(
  images: readonly AnnotatedImage[],
  format: AnnotationFormat,
  options: WriteOptions = {}
): Promise<AnnotatedImage[]> {
  const files = writeAnnotations(images, { format, ...options })
  return readAnnotations(files, {
    format,
    findImage: name => images.find(({ file }) => [file, bare(file), bare(file).replace(/^.*\//, '')].includes(name))
  })
}

const cases = annotationFormats.flatMap(format => [
  { format, shapes: 'mask' as const },
  { format, shapes: 'polygon' as const }
])

describe.each(cases)('$format, $shapes', ({ format, shapes }) => {
  it('restores images exactly: holes, parts, corners, one pixel, no objects, unicode', async () => {
    const crowd = { ...picture.objects[0], id: '9', crowd: true }
    // VOC has one object per pixel.
    const images = [format === 'voc' ? picture : { ...picture, objects: [...picture.objects, crowd] }, emptyPicture]
    expect(kept(await roundTrip(images, format, { shapes }), format)).toEqual(kept(images, format))
  })

  it('restores random images exactly', async () => {
    await fc.assert(
      fc.asyncProperty(pictures({ disjoint: format === 'voc' }), async image => {
        expect(kept(await roundTrip([image], format, { shapes }), format)).toEqual(kept([image], format))
      }),
      { numRuns: 60 }
    )
  })
})

it.each(annotationFormats)('%s: detectFormat finds it', format => {
  expect(detectFormat(writeAnnotations([picture, emptyPicture], { format }))).toBe(format)
})

it('ids: kept where they are numbers, else numbered without meeting another', async () => {
  const objects = ['7', 'a', '2', '0'].map(id => ({ id, category: 'x', mask: maskOf('#') }))
  const image = { file: 'a.jpg', width: 1, height: 1, objects }
  for (const format of ['coco', 'cvat'] as const) {
    const [back] = await roundTrip([image], format)
    expect(back.objects.map(({ id }) => id)).toEqual(['7', '1', '2', '3'])
  }
  for (const format of ['label-studio', 'labelme', 'geojson', 'svg'] as const) {
    const [back] = await roundTrip([image], format)
    expect(back.objects.map(({ id }) => id)).toEqual(['7', 'a', '2', '0'])
  }
})

it('an object without a category is written as object, or without one where the format allows it', async () => {
  const image = { file: 'a.jpg', width: 1, height: 1, objects: [{ id: '1', mask: maskOf('#') }] }
  for (const format of annotationFormats) {
    const [back] = await roundTrip([image], format)
    expect([format, back.objects[0].category]).toEqual([
      format,
      format === 'geojson' || format === 'svg' ? undefined : 'object'
    ])
  }
})

it('smooth outlines follow the logits between pixels, and lose at most one pixel in a thousand', async () => {
  const side = 64
  const disc = Float32Array.from({ length: side * side }, (_, i) => 20.3 - Math.hypot((i % side) - 30, i / side - 33))
  const frame = { imageSize: 256, inputSize: [256, 192], originalSize: [400, 300] } as const
  const mask = new Mask({ lowResLogits: disc, frame, predictedIou: 0.9 })
  const image = { file: 'a.jpg', width: 300, height: 400, objects: [{ id: '1', category: 'disc', mask }] }
  for (const format of ['coco', 'yolo', 'label-studio', 'labelme', 'cvat', 'geojson', 'svg'] as const) {
    const options = { smooth: true, shapes: 'polygon' } as const
    const [exact, smooth, few] = [{}, { smooth: true }, { smooth: true, simplify: 1 }].map(more =>
      [...writeAnnotations([image], { format, shapes: 'polygon', ...more }).values()].map(bytes => bytes.length)
    )
    expect(smooth).not.toEqual(exact)
    expect(Math.max(...few)).toBeLessThan(Math.max(...smooth))
    const [back] = await roundTrip([image], format, options)
    expect(back.objects[0].mask.iou(mask), format).toBeGreaterThan(0.999)
  }
})

it('voc: overlapping objects become one object per pixel', async () => {
  const whole = { id: '1', category: 'a', mask: maskOf('####') }
  const part = { id: '2', category: 'b', mask: maskOf('.##.') }
  const image = { file: 'a.jpg', width: 4, height: 1, objects: [whole, part] }
  const areas = async (options: WriteOptions): Promise<(string | number)[][]> =>
    (await roundTrip([image], 'voc', options))[0].objects.map(({ id, mask }) => [id, mask.area])
  expect(await areas({})).toEqual([['1', 4]])
  expect(await areas({ prefer: 'smallest' })).toEqual([
    ['1', 2],
    ['2', 2]
  ])
})

describe('writeAnnotations: refuses', () => {
  const one = { id: '1', mask: maskOf('##') }
  const image = { file: 'a.jpg', width: 2, height: 1, objects: [one] }
  it.each<[string, readonly AnnotatedImage[], object]>([
    ['a mask of another size', [{ ...image, width: 3 }], {}],
    ['an empty mask', [{ ...image, objects: [{ ...one, mask: maskOf('..') }] }], {}],
    ['equal ids', [{ ...image, objects: [one, one] }], {}],
    ['equal file names', [image, image], {}],
    ['a score of NaN', [{ ...image, objects: [{ ...one, score: NaN }] }], {}],
    ['a category with a line break', [{ ...image, objects: [{ ...one, category: 'a\nb' }] }], {}],
    ['an unknown format', [image], { format: 'constructor' }],
    ['an unknown option', [image], { shape: 'mask' }],
    ['unknown shapes', [image], { shapes: 'box' }],
    ['a negative tolerance', [image], { simplify: -1 }],
    ['smooth that is no boolean', [image], { smooth: 1 }],
    ['two images for one file', [image, { ...image, file: 'a.png' }], { format: 'labelme' }]
  ])('%s', (_, images, options) => {
    const write = () => writeAnnotations(images, { format: 'coco', ...options })
    expect(write).toThrow(expect.objectContaining({ code: 'E_BAD_OPTION' }))
  })

  it('more objects than VOC has indices', () => {
    const mask: Mask = maskOf('#')
    const objects = Array.from({ length: 255 }, (_, i) => ({ id: String(i + 1), mask }))
    const write = () => writeAnnotations([{ file: 'a', width: 1, height: 1, objects }], { format: 'voc' })
    expect(write).toThrow(SamError)
  })
})

it('names of files stay below their folder', () => {
  const image = { file: '../../C:\\data/../x/a.jpg', width: 1, height: 1, objects: [] }
  for (const format of annotationFormats)
    for (const name of writeAnnotations([image], { format }).keys()) expect(name).not.toMatch(/\.\.|^\/|\\|:/)
})
