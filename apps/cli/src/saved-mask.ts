import { Mask, type CocoRle, type MultiPolygon } from '@sam/core'
import { readJson } from '@sam/train/toolkit'
import { CliError } from './failure.js'

type Json = Readonly<Record<string, unknown>>

/**
 * The one mask of a JSON file: COCO RLE, an annotation with a `segmentation`, SA-1B's `annotations`, or what
 * `sam predict --format rle` and `polygon` write. Throws `E_INPUT` where it holds none or several.
 */
export async function savedMask(file: string): Promise<Mask> {
  const failed = (why: string, cause?: unknown): CliError => new CliError('E_INPUT', `--mask ${file} ${why}`, { cause })
  const json = await readJson(file).catch((cause: Error) => {
    throw failed(`cannot be read: ${cause.message}`, cause)
  })
  const found = segmentationsOf(json)
  if (!found.length)
    throw failed('must be COCO RLE, { "size": [height, width], "counts": … }, or what sam predict --format rle wrote')
  if (found.length > 1)
    throw failed(
      `must hold one mask, found ${found.length}: ${found[0].place} … ${found.at(-1)!.place}; ` +
        'save one of them as a file, or predict with --single'
    )
  const [{ segmentation }] = found
  try {
    return isPolygon(segmentation)
      ? Mask.fromPolygons(segmentation.coordinates, json as { width: number; height: number })
      : Mask.fromRle(segmentation as CocoRle)
  } catch (cause) {
    throw failed(`must hold a mask as COCO RLE or a MultiPolygon: ${(cause as Error).message}`, cause)
  }
}

const isPolygon = (value: unknown): value is { coordinates: MultiPolygon } =>
  (value as Json | null)?.type === 'MultiPolygon'

interface Found {
  readonly place: string
  readonly segmentation: unknown
}

/** The masks in a JSON value, and where they are. */
function segmentationsOf(json: unknown): Found[] {
  const { counts, segmentation, annotations, objects } = (json ?? {}) as Json
  if (counts !== undefined) return [{ place: '.', segmentation: json }]
  const inside = (list: unknown, place: string): Found[] =>
    (Array.isArray(list) ? (list as unknown[]) : []).flatMap((entry, i) => {
      const found = (entry as Json | null)?.segmentation
      return found === undefined ? [] : [{ place: `${place}[${i}].segmentation`, segmentation: found }]
    })
  if (segmentation !== undefined) return [{ place: '.segmentation', segmentation }]
  if (annotations !== undefined) return inside(annotations, '.annotations')
  return (Array.isArray(objects) ? (objects as unknown[]) : []).flatMap((object, i) =>
    inside((object as Json | null)?.masks, `.objects[${i}].masks`)
  )
}
