import type { Mask, MultiPolygon } from '@sam/core'
import { shown, type Refuse } from '@sam/core/graph'
import {
  categoryOf,
  type AnnotatedImage,
  type AnnotatedObject,
  type Files,
  type ImageInfo
} from '../annotated-image.js'
import { fromBase64, toBase64 } from '../base64.js'
import { failingIn, readCategory, readName, readScore, readSize } from '../fail.js'
import { readEach, type Format, type Reading, type WriteOptions } from '../format.js'
import { joinParts, type ObjectPart } from '../grouped.js'
import { numberIds, withUniqueIds } from '../ids.js'
import { asObject, isObject, jsonBytes, objectsIn, peekJson, readJson, type Json } from '../json.js'
import { keyhole } from '../keyhole.js'
import { maskOfPixels, maskOfPolygons, ringOfPositions, visitBoxPixels } from '../mask-shapes.js'
import { outlines } from '../outlines.js'
import { outputStems } from '../output-names.js'
import { readPng, writePng } from '../png.js'

/**
 * LabelMe: one JSON file per image, with masks (a PNG of the bounding box) or polygons. The polygons of an object share
 * a `group_id`; one with holes has cuts ({@link keyhole}). The id and the score are fields that LabelMe keeps.
 */
export const labelme: Format = {
  title: 'LabelMe',
  fileNames: /\.json$/i,
  matches: files =>
    [...files.values()].every(bytes => {
      const json = peekJson(bytes)
      return isObject(json) && Array.isArray(json.shapes) && json.imagePath !== undefined
    }),
  read: readEach(readFile),
  write(images, options): Files {
    const stems = outputStems(images)
    return new Map(images.map((image, i) => [`${stems[i]}.json`, jsonBytes(labelmeOf(image, options))]))
  }
}

async function readFile(file: string, bytes: Uint8Array, reading: Reading): Promise<AnnotatedImage> {
  const fail = failingIn(file)
  const json = asObject(readJson(bytes, fail), 'the value of the file', fail)
  const info = {
    file: readName(json.imagePath, 'imagePath', fail),
    ...readSize(json.imageWidth, json.imageHeight, fail)
  }
  const parts: ObjectPart[] = []
  for (const [i, shape] of objectsIn(json, 'shapes', fail).entries()) {
    const failShape = failingIn(file, `shapes[${i}]`)
    const part = await readShape(shape, { info, fail: failShape, reading })
    if (part) parts.push(part)
  }
  return { ...info, objects: withUniqueIds(joinParts(parts)) }
}

async function readShape(
  shape: Json,
  { info, fail, reading }: { info: ImageInfo; fail: Refuse; reading: Reading }
): Promise<ObjectPart | undefined> {
  const { label, group_id: group, id, score, shape_type: type = 'polygon' } = shape
  const read = await maskReader(shape, { info, fail }).catch((error: unknown) => () => {
    throw error as Error
  })
  return reading.attempt(() => {
    if (type !== 'polygon' && type !== 'mask') fail(`a shape must be a polygon or a mask, found ${shown(type)}`)
    const category = readCategory(label)
    const grouped = group === undefined || group === null ? undefined : readName(group, 'group_id', fail)
    const own = id === undefined || id === null ? undefined : readName(id, 'id', fail)
    return {
      key: grouped === undefined ? undefined : JSON.stringify([category, grouped]),
      id: own ?? grouped,
      mask: read(),
      category,
      score: readScore(score, fail)
    }
  })
}

/** Decodes what must be waited for; the result does the rest. */
async function maskReader(
  { shape_type: type, points, mask }: Json,
  { info, fail }: { info: ImageInfo; fail: Refuse }
): Promise<() => Mask> {
  if (type !== 'mask') return () => maskOfPolygons([[ringOfPositions(points, fail)]], info, fail)
  const png = await readPng(fromBase64(mask, fail), fail)
  return () => {
    const [[left, top]] = [...ringOfPositions(points, fail), [NaN, NaN]]
    if (!Number.isInteger(left) || !Number.isInteger(top))
      fail(`a mask must begin at a whole pixel, found ${shown(left)}, ${shown(top)}`)
    const found = maskOfPixels(info, { left, top, width: png.width }, add => {
      for (let at = 0; at < png.width * png.height; at++) if (png.data[at * png.channels]) add(at, at + 1)
    })
    return found.area ? found : fail('a mask must have pixels inside its image, found none')
  }
}

function labelmeOf(image: AnnotatedImage, options: WriteOptions): unknown {
  const { file, width, height, objects } = image
  const shapes = options.shapes === 'polygon' ? outlines(image, options) : undefined
  const groups = numberIds(objects.map(({ id }) => id))
  return {
    version: '5.5.0',
    flags: {},
    shapes: objects.flatMap((object, i) =>
      (shapes ? polygonsOf(shapes[i], groups[i]) : [maskOf(object)]).map(shape => ({
        label: categoryOf(object),
        ...shape,
        flags: {},
        id: object.id,
        score: object.score
      }))
    ),
    imagePath: file,
    imageData: null,
    imageHeight: height,
    imageWidth: width
  }
}

const polygonsOf = (polygons: MultiPolygon, group: number): object[] =>
  polygons.map(rings => ({
    points: keyhole(rings),
    group_id: polygons.length > 1 ? group : null,
    shape_type: 'polygon'
  }))

/** The points are the first and the last pixel of the box. */
function maskOf({ mask }: AnnotatedObject): object {
  const [x0, y0, x1, y1] = mask.boxXyxy
  const data = new Uint8Array((x1 - x0) * (y1 - y0))
  visitBoxPixels(mask, (start, end) => data.fill(255, start, end))
  return {
    points: [
      [x0, y0],
      [x1 - 1, y1 - 1]
    ],
    group_id: null,
    shape_type: 'mask',
    mask: toBase64(writePng({ width: x1 - x0, height: y1 - y0, data }))
  }
}
