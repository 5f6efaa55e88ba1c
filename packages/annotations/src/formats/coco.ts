import { Mask, type CocoRle, type MultiPolygon } from '@sam/core'
import { shown, type Refuse } from '@sam/core/graph'
import {
  categoriesOf,
  categoryOf,
  type AnnotatedImage,
  type AnnotatedObject,
  type ImageInfo
} from '../annotated-image.js'
import { failingIn, readCategory, readName, readScore, readSize } from '../fail.js'
import { findImage } from '../find-image.js'
import type { Format, Reading, WriteOptions } from '../format.js'
import { numberIds, withUniqueIds } from '../ids.js'
import { asObject, idKey, isObject, jsonBytes, objectsIn, peekJson, readJson, type Json } from '../json.js'
import { keyhole } from '../keyhole.js'
import { checkInside, inFile, maskOfPolygons, ringOfNumbers } from '../mask-shapes.js'
import { outlines } from '../outlines.js'

/**
 * COCO instances, and SA-1B, whose files hold one `image`. Polygons have no holes there: an outline with holes is one
 * ring with cuts ({@link keyhole}). Crowds are written as uncompressed RLE, as in COCO's own files.
 */
export const coco: Format = {
  title: 'COCO',
  fileNames: /\.json$/i,
  matches: files =>
    [...files.values()].every(bytes => {
      const json = peekJson(bytes)
      return isObject(json) && Array.isArray(json.annotations) && (Array.isArray(json.images) || isObject(json.image))
    }),
  async read(files, reading) {
    const images: AnnotatedImage[][] = []
    for (const [file, bytes] of files) images.push(await readFile(file, bytes, reading))
    return images.flat()
  },
  write: (images, options) => new Map([['annotations.json', jsonBytes(cocoOf(images, options))]])
}

async function readFile(file: string, bytes: Uint8Array, reading: Reading): Promise<AnnotatedImage[]> {
  const fail = failingIn(file)
  const json = asObject(readJson(bytes, fail), 'the value of the file', fail)
  const categories = new Map(objectsIn(json, 'categories', fail).map(({ id, name }) => [idKey(id), readCategory(name)]))
  const single = isObject(json.image) ? json.image : undefined
  const entries = single ? [{ ...single, id: single.image_id }] : objectsIn(json, 'images', fail)
  const annotations = new Map<string, { entry: Json; at: number }[]>()
  for (const entry of entries) {
    const id = idKey(entry.id)
    if (annotations.has(id)) fail(`each image must have its own id, found ${shown(id)} twice`)
    annotations.set(id, [])
  }
  objectsIn(json, 'annotations', fail).forEach((entry, at) => {
    const image = idKey(single ? single.image_id : entry.image_id)
    const own = annotations.get(image)
    if (own) own.push({ entry, at })
    else reading.attempt(() => fail(`annotations[${at}]: image_id must be that of an image, found ${shown(image)}`))
  })
  const images: AnnotatedImage[] = []
  for (const entry of entries) {
    await reading.pause()
    const info = await infoOf(entry, reading, fail)
    const objects = annotations.get(idKey(entry.id))!.flatMap(({ entry, at }) => {
      const object = reading.attempt(() => objectOf(entry, { at, info, file, categories }))
      return object ? [object] : []
    })
    images.push({ id: idKey(entry.id), ...info, objects: withUniqueIds(objects) })
  }
  return images
}

async function infoOf({ file_name, width, height }: Json, reading: Reading, fail: Refuse): Promise<ImageInfo> {
  const file = readName(file_name, 'file_name', fail)
  if (width === undefined && height === undefined) return findImage(file, reading, fail)
  return { file, ...readSize(width, height, fail) }
}

function objectOf(
  entry: Json,
  {
    at,
    info,
    file,
    categories
  }: { at: number; info: ImageInfo; file: string; categories: ReadonlyMap<string, string | undefined> }
): AnnotatedObject {
  const fail = failingIn(file, `annotations[${at}]`)
  const { id, segmentation, category_id: category, score, iscrowd } = entry
  return {
    id: id === undefined || id === null ? String(at + 1) : readName(id, 'id', fail),
    mask: maskOf(segmentation, info, fail),
    category: categories.get(idKey(category)),
    score: readScore(score, fail),
    ...([1, '1', true].includes(iscrowd as never) && { crowd: true })
  }
}

/** A mask of polygons or RLE. Parts of one or two positions have no area and are left out, as in pycocotools. */
function maskOf(segmentation: unknown, info: ImageInfo, fail: Refuse): Mask {
  if (Array.isArray(segmentation)) {
    const rings = segmentation.map(part => ringOfNumbers(part, fail)).filter(ring => ring.length >= 3)
    return maskOfPolygons(
      rings.map(ring => [ring]),
      info,
      fail
    )
  }
  const { size } = asObject(segmentation, 'segmentation', fail)
  // Checked before anything of that size is allocated.
  if (!Array.isArray(size) || size[0] !== info.height || size[1] !== info.width)
    fail(`RLE must have the size of its image, [${info.height}, ${info.width}], found ${shown(size)}`)
  return checkInside(
    inFile(fail, () => Mask.fromRle(segmentation as CocoRle)),
    fail
  )
}

function cocoOf(images: readonly AnnotatedImage[], options: WriteOptions): unknown {
  const names = categoriesOf(images)
  const imageIds = numberIds(images.map(image => image.id))
  const ids = numberIds(images.flatMap(({ objects }) => objects.map(({ id }) => id))).values()
  return {
    images: images.map(({ file, width, height }, i) => ({ id: imageIds[i], file_name: file, width, height })),
    annotations: images.flatMap((image, i) => {
      const shapes = options.shapes === 'polygon' ? outlines(image, options) : undefined
      return image.objects.map((object, k) => ({
        id: ids.next().value,
        image_id: imageIds[i],
        category_id: names.indexOf(categoryOf(object)) + 1,
        segmentation: segmentationOf(object, shapes?.[k]),
        area: object.mask.area,
        bbox: object.mask.boxXywh,
        iscrowd: object.crowd ? 1 : 0,
        score: object.score
      }))
    }),
    categories: names.map((name, i) => ({ id: i + 1, name }))
  }
}

function segmentationOf({ mask, crowd }: AnnotatedObject, polygons: MultiPolygon | undefined): unknown {
  if (crowd) return mask.toRle()
  return polygons ? polygons.map(rings => keyhole(rings).flat()) : mask.toCocoRle()
}
