import type { Mask } from '@sam/core'
import { shown, type Refuse } from '@sam/core/graph'
import { categoryOf, type AnnotatedImage, type AnnotatedObject, type ImageInfo } from '../annotated-image.js'
import { decodeBrush, encodeBrush } from '../brush-rle.js'
import { failingIn, readCategory, readName, readScore, readSize } from '../fail.js'
import { findImage } from '../find-image.js'
import type { Format, Reading, WriteOptions } from '../format.js'
import { numberIds, withUniqueIds } from '../ids.js'
import { asObject, idKey, isObject, jsonBytes, listIn, objectsIn, peekJson, readJson, type Json } from '../json.js'
import { keyhole } from '../keyhole.js'
import { maskOfPolygons, ringOfPositions } from '../mask-shapes.js'
import { outlines, rounded } from '../outlines.js'

/**
 * Label Studio's tasks, with brush masks or polygons. Objects are written as a prediction where one of the image has a
 * score, else as an annotation. They are read from the annotations of a task that were not cancelled, else from its
 * predictions. Polygons have one ring there: an object of several parts, or with holes, has cuts ({@link keyhole}).
 */
export const labelStudio: Format = {
  title: 'Label Studio',
  fileNames: /\.json$/i,
  matches: files =>
    [...files.values()].every(bytes => {
      const json = peekJson(bytes)
      return Array.isArray(json) && json.every(task => isObject(task) && isObject(task.data))
    }),
  async read(files, reading) {
    const images: AnnotatedImage[] = []
    for (const [file, bytes] of files) {
      const fail = failingIn(file)
      const json = readJson(bytes, fail)
      const tasks = objectsIn({ tasks: Array.isArray(json) ? (json as unknown[]) : [json] }, 'tasks', fail)
      for (const [i, task] of tasks.entries()) {
        await reading.pause()
        images.push(await readTask(task, { file, place: `[${i}]` }, reading))
      }
    }
    return images
  },
  write: (images, options) => {
    const ids = numberIds(images.map(({ id }) => id))
    return new Map([['tasks.json', jsonBytes(images.map((image, i) => taskOf(image, ids[i], options)))]])
  }
}

async function readTask(
  task: Json,
  { file, place }: { file: string; place: string },
  reading: Reading
): Promise<AnnotatedImage> {
  const fail = failingIn(file, place)
  const data = asObject(task.data, "'data' of a task", fail)
  const name = readName(data.image ?? Object.values(data).find(value => typeof value === 'string'), 'the image', fail)
  const annotations = [...objectsIn(task, 'annotations', fail), ...objectsIn(task, 'completions', fail)].filter(
    ({ was_cancelled }) => was_cancelled !== true
  )
  const groups = annotations.length ? annotations : objectsIn(task, 'predictions', fail)
  const results = groups.flatMap(group =>
    objectsIn(group, 'result', fail).map((result): Json => ({ ...result, score: result.score ?? group.score }))
  )
  const info = await infoOf({ name, data, results }, reading, fail)
  const labels = new Map(
    results.filter(({ type }) => type === 'labels').map(({ id, value }) => [idKey(id), firstLabel(value, 'labels')])
  )
  const regions = new Set(results.filter(isRegion).map(({ id }) => idKey(id)))
  const objects = results.flatMap((result, k) => {
    if (result.type === 'labels' && regions.has(idKey(result.id))) return []
    const object = reading.attempt(() =>
      objectOf(result, { info, labels, at: k, fail: failingIn(file, `${place}.result[${k}]`) })
    )
    return object ? [object] : []
  })
  const id = typeof task.id === 'number' || typeof task.id === 'string' ? String(task.id) : undefined
  return { id, ...info, objects: withUniqueIds(objects) }
}

/** The size of an image: as its results state it, or its data, or the caller. */
async function infoOf(
  { name, data, results }: { name: string; data: Json; results: readonly Json[] },
  reading: Reading,
  fail: Refuse
): Promise<ImageInfo> {
  const sized = results.find(({ original_width: width }) => width !== undefined)
  if (sized) return { file: name, ...readSize(sized.original_width, sized.original_height, fail) }
  if (data.width !== undefined) return { file: name, ...readSize(data.width, data.height, fail) }
  return findImage(name, reading, fail)
}

const isRegion = ({ type }: Json): boolean => /^(?:brush|polygon)(?:labels)?$/.test(idKey(type))

const firstLabel = (value: unknown, field: string): string | undefined => {
  const list = isObject(value) ? value[field] : undefined
  return Array.isArray(list) ? readCategory(list[0]) : undefined
}

function objectOf(
  result: Json,
  {
    info,
    labels,
    at,
    fail
  }: { info: ImageInfo; labels: ReadonlyMap<string, string | undefined>; at: number; fail: Refuse }
): AnnotatedObject {
  const { type, image_rotation: rotation, score } = result
  if (!isRegion(result)) fail(`a result must be a brush mask or a polygon, found ${shown(type)}`)
  if (rotation !== undefined && rotation !== 0) fail(`the image must not be rotated, found ${shown(rotation)}`)
  if (result.original_width !== undefined && result.original_width !== info.width)
    fail(`all results must have the width of the image, ${info.width}, found ${shown(result.original_width)}`)
  const id = result.id === undefined ? String(at + 1) : readName(result.id, 'id', fail)
  const value = asObject(result.value, "'value' of a result", fail)
  return {
    id,
    mask: idKey(type).startsWith('brush') ? brushOf(value, info, fail) : polygonOf(value, info, fail),
    category: firstLabel(value, idKey(type)) ?? labels.get(id),
    score: readScore(score, fail)
  }
}

function brushOf(value: Json, info: ImageInfo, fail: Refuse): Mask {
  const bytes = listIn(value, 'rle', fail)
  if (!bytes.every(byte => Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) < 256))
    fail("'rle' must be a list of bytes")
  const mask = decodeBrush(Uint8Array.from(bytes as number[]), info, fail)
  return mask.area ? mask : fail('a mask must have pixels inside its image, found none')
}

/** Positions are in percent of the image. */
function polygonOf({ points }: Json, info: ImageInfo, fail: Refuse): Mask {
  const ring = ringOfPositions(points, fail).map(([x, y]) => [(x / 100) * info.width, (y / 100) * info.height] as const)
  return maskOfPolygons([[ring]], info, fail)
}

function taskOf(image: AnnotatedImage, id: number, options: WriteOptions): unknown {
  const { file, width, height, objects } = image
  const shapes = options.shapes === 'polygon' ? outlines(image, options) : undefined
  const result = objects.map((object, i) => {
    const shape = shapes
      ? {
          type: 'polygonlabels',
          value: {
            points: keyhole(shapes[i].flat()).map(([x, y]) => [
              rounded((x / width) * 100, 8),
              rounded((y / height) * 100, 8)
            ]),
            closed: true,
            polygonlabels: [categoryOf(object)]
          }
        }
      : {
          type: 'brushlabels',
          value: { format: 'rle', rle: encodeBrush(object.mask), brushlabels: [categoryOf(object)] }
        }
    return {
      id: object.id,
      ...shape,
      from_name: 'label',
      to_name: 'image',
      original_width: width,
      original_height: height,
      image_rotation: 0,
      score: object.score
    }
  })
  const kind = objects.some(({ score }) => score !== undefined) ? 'predictions' : 'annotations'
  return { id, data: { image: file, width, height }, [kind]: [{ result }] }
}
