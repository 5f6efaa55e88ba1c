import type { Mask, MultiPolygon } from '@sam/core'
import { shown, type Refuse } from '@sam/core/graph'
import type { AnnotatedImage, AnnotatedObject, ImageInfo } from '../annotated-image.js'
import { failingIn, readCategory, readName, readScore, readSize } from '../fail.js'
import { findImage } from '../find-image.js'
import { readEach, type Format, type Reading } from '../format.js'
import { withUniqueIds } from '../ids.js'
import { asObject, isObject, jsonBytes, listIn, objectsIn, peekJson, readJson, type Json } from '../json.js'
import { maskOfPolygons, ringOfPositions } from '../mask-shapes.js'
import { stemOf } from '../names.js'
import { outlines } from '../outlines.js'
import { outputStems } from '../output-names.js'

/**
 * GeoJSON in pixel coordinates (y down): one FeatureCollection per image, one MultiPolygon with holes per object. Name
 * and size of the image are in the member `image`.
 */
export const geojson: Format = {
  title: 'GeoJSON',
  fileNames: /\.(?:geo)?json$/i,
  matches: files =>
    [...files.values()].every(bytes => {
      const json = peekJson(bytes)
      return isObject(json) && json.type === 'FeatureCollection'
    }),
  read: readEach(readFile),
  write(images, options) {
    const stems = outputStems(images)
    return new Map(
      images.map((image, i) => {
        const { id, file, width, height, objects } = image
        const shapes = outlines(image, options)
        const features = objects.map(({ id, category, score, crowd }, k) => ({
          type: 'Feature',
          id,
          geometry: { type: 'MultiPolygon', coordinates: shapes[k] },
          properties: { category, score, crowd }
        }))
        const collection = { type: 'FeatureCollection', image: { id, file, width, height }, features }
        return [`${stems[i]}.geojson`, jsonBytes(collection)]
      })
    )
  }
}

async function readFile(file: string, bytes: Uint8Array, reading: Reading): Promise<AnnotatedImage> {
  const fail = failingIn(file)
  const json = asObject(readJson(bytes, fail), 'the value of the file', fail)
  if (json.type !== 'FeatureCollection') fail(`it must be a FeatureCollection, found ${shown(json.type)}`)
  const own = isObject(json.image) ? json.image : undefined
  const info = own
    ? { file: readName(own.file, 'the name of the image', fail), ...readSize(own.width, own.height, fail) }
    : await findImage(stemOf(file), reading, fail)
  const objects = objectsIn(json, 'features', fail).flatMap((feature, i) => {
    const object = reading.attempt(() => readFeature(feature, { info, at: i, fail: failingIn(file, `features[${i}]`) }))
    return object ? [object] : []
  })
  const id = own?.id === undefined ? undefined : readName(own.id, 'the id of the image', fail)
  return { id, ...info, objects: withUniqueIds(objects) }
}

function readFeature(
  { id, geometry, properties }: Json,
  { info, at, fail }: { info: ImageInfo; at: number; fail: Refuse }
): AnnotatedObject {
  const { category, score, crowd } = isObject(properties) ? properties : ({} as Json)
  return {
    id: id === undefined || id === null ? String(at + 1) : readName(id, 'id', fail),
    mask: maskOf(asObject(geometry, "'geometry'", fail), info, fail),
    category: readCategory(category),
    score: readScore(score, fail),
    ...(crowd === true && { crowd: true })
  }
}

function maskOf(geometry: Json, info: ImageInfo, fail: Refuse): Mask {
  const { type, coordinates } = geometry
  if (type !== 'Polygon' && type !== 'MultiPolygon')
    fail(`a geometry must be a Polygon or a MultiPolygon, found ${shown(type)}`)
  const polygons = type === 'Polygon' ? [coordinates] : listIn(geometry, 'coordinates', fail)
  const read: MultiPolygon = polygons.map(rings =>
    Array.isArray(rings)
      ? rings.map(ring => ringOfPositions(ring, fail))
      : fail(`a polygon must be a list of rings, found ${shown(rings)}`)
  )
  return maskOfPolygons(read, info, fail)
}
