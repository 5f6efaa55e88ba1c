import type { Outline } from '@sam/annotator'
import type { Mask } from '@sam/core'
import { exactMasks, type ExportPicture, type MaskOptions } from './export-picture.js'
import { writesOutlines, type ExportFormat } from './formats.js'
import type { ExportCalls, TracedOutline, TracedOutlines } from './protocol.js'

/** The outlines that an export writes. */
export interface ExportOutlines {
  /** By the masks of the shown picture; with vertices where the files have them. */
  readonly shown: ReadonlyMap<Mask, Outline>
  /** Number of vertices in all pictures. */
  readonly vertices: number
}

/** What is exported. */
export interface OutlinesRequest {
  readonly pictures: readonly ExportPicture[]
  /** Index of the picture that is shown. */
  readonly shown: number
  readonly format: ExportFormat
  readonly masks: MaskOptions
}

interface Options {
  readonly trace: (...args: Parameters<ExportCalls['traceOutlines']>) => Promise<TracedOutlines>
  /** Called when outlines were traced: ask again. */
  readonly changed: () => void
  readonly fail: (error: unknown) => void
}

/** For how many settings of the sliders outlines are kept. */
const kept = 16

/**
 * The outlines of an export, traced in a worker, one request at a time. Returns those of the request if they are known,
 * else those of the request before.
 */
export function exportOutlines({
  trace,
  changed,
  fail
}: Options): (request: OutlinesRequest) => ExportOutlines | undefined {
  /** The outlines of these masks by settings; undefined where tracing failed. */
  let known: { readonly masks: readonly Mask[]; readonly by: Map<string, ExportOutlines | undefined> } | undefined
  let latest: ExportOutlines | undefined
  let busy = false

  return ({ pictures, shown, format, masks: { shapes, minArea, smooth, simplify } }) => {
    const hasVertices = writesOutlines(format, shapes)
    const options = { ...exactMasks, minArea, ...(hasVertices && { smooth, simplify }) }
    const masks = pictures.flatMap(({ objects }) => objects.map(({ mask }) => mask))
    if (masks.length !== known?.masks.length || masks.some((mask, i) => mask !== known?.masks[i]))
      known = { masks, by: new Map() }
    const { by } = known
    const key = JSON.stringify([options, hasVertices, shown])
    if (by.has(key)) return (latest = by.get(key) ?? latest)
    if (busy) return latest
    busy = true
    const keep = (value: ExportOutlines | undefined): void => {
      by.set(key, value)
      if (by.size > kept) by.delete([...by.keys()][0])
      busy = false
      changed()
    }
    trace(pictures, options, shown).then(
      traced => {
        const objects = pictures[shown]?.objects ?? []
        const outlineOf = ({ path, vertices }: TracedOutline): Outline => ({
          path: new Path2D(path),
          vertices: hasVertices ? vertices : undefined
        })
        keep({
          shown: new Map(objects.map(({ mask }, i) => [mask, outlineOf(traced.shown[i])])),
          vertices: traced.vertices
        })
      },
      (error: unknown) => {
        fail(error)
        keep(undefined)
      }
    )
    return latest
  }
}
