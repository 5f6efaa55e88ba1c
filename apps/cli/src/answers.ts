import type { HostTensor } from '@sam/core/graph'
import type { Mask, Prediction } from '@sam/core'
import { usage } from './failure.js'
import type { GivenPrompt } from './prompts.js'
import { table } from './text.js'

/** Formats of masks: pictures, or JSON with COCO run lengths or polygons. */
export const formats = ['png', 'rle', 'polygon'] as const
export type Format = (typeof formats)[number]

/** The masks of one prompt, with the keys of SA-1B's JSON. */
export interface Answer {
  readonly prompt: GivenPrompt
  readonly masks: readonly MaskAnswer[]
}

export interface MaskAnswer {
  readonly predicted_iou: number
  readonly stability_score: number
  /** Pixels inside. */
  readonly area: number
  /** x, y, width, height in pixels of the photo. */
  readonly bbox: readonly number[]
  /** Index of its mask token: 0 for the single mask, 1 … 3 for the three. */
  readonly token_index: number
  /** The picture, white inside, where the format is png. */
  readonly file?: string
  /** COCO run lengths, or a GeoJSON MultiPolygon in pixels of the photo. */
  readonly segmentation?: unknown
}

interface AnswerOptions {
  readonly format: Format
  readonly outlines: OutlineOptions
  /** Names the picture of a mask. */
  readonly file: (index: number) => string | undefined
  /** The prediction's masks as they are written. */
  readonly masks: readonly Mask[]
}

/** How the outlines of polygons run: see `Mask.toPolygons`. */
interface OutlineOptions {
  readonly smooth?: boolean | undefined
  readonly simplify?: number | undefined
}

/** A prediction as JSON. */
export function answerOf(
  prompt: GivenPrompt,
  { masks: predicted, tokenIndices }: Prediction,
  { format, outlines, file, masks }: AnswerOptions
): Answer {
  return {
    prompt,
    masks: masks.map((mask, i) => ({
      predicted_iou: mask.predictedIou,
      stability_score: predicted[i].stability(),
      area: mask.area,
      bbox: mask.boxXywh,
      token_index: tokenIndices[i],
      ...(format === 'png' ? { file: file(i)! } : { segmentation: segmentationOf(mask, format, outlines) })
    }))
  }
}

/** A mask in JSON: COCO run lengths, or a GeoJSON MultiPolygon in pixels of the photo. */
export const segmentationOf = (
  mask: Mask,
  format: 'rle' | 'polygon',
  { smooth = false, simplify = 0 }: OutlineOptions
): unknown =>
  format === 'rle' ? mask.toCocoRle() : { type: 'MultiPolygon', coordinates: mask.toPolygons({ smooth, simplify }) }

/** Predictions as a table. */
export const answerTable = (answers: readonly Answer[]): string =>
  table('rrrrrll', [
    ['object', 'mask', 'predicted IoU', 'stability', 'area', 'box', 'file'],
    ...answers.flatMap(({ masks }, object) =>
      masks.map((m, i) => [
        String(object + 1),
        String(i + 1),
        m.predicted_iou.toFixed(3),
        m.stability_score.toFixed(3),
        String(m.area),
        m.bbox.join(','),
        m.file ?? ''
      ])
    )
  ])

/**
 * The tensors of predictions, N objects with M masks each, in the decoder's order (by token index), not by
 * predicted IoU: `low_res_logits` [N,M,s,s], `iou_predictions` [N,M], `logits` [N,M,height,width] at the photo's size.
 */
export function tensorsOf(predictions: readonly Prediction[]): Record<string, HostTensor> {
  const ordered = predictions.map(({ masks, tokenIndices }) =>
    masks
      .map((mask, i) => ({ mask, token: tokenIndices[i] }))
      .sort((a, b) => a.token - b.token)
      .map(m => m.mask)
  )
  const [n, m] = [ordered.length, ordered[0].length]
  const masks = ordered.flat()
  const { width, height } = masks[0]
  if (masks.length !== n * m)
    throw usage(
      '--save-tensors with several objects needs the same number of masks for each: add --multimask or --single'
    )
  if (n * m * width * height > mostLogits)
    throw usage(`--save-tensors would write ${n} × ${m} masks of ${width} × ${height} logits; give fewer objects`)
  const stack = (shape: readonly number[], rows: readonly Float32Array[]): HostTensor => {
    const data = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0))
    rows.reduce((at, row) => {
      data.set(row, at)
      return at + row.length
    }, 0)
    return { dtype: 'f32', shape, data }
  }
  const side = Math.sqrt(masks[0].lowResLogits!.length)
  return {
    low_res_logits: stack(
      [n, m, side, side],
      masks.map(mask => mask.lowResLogits!)
    ),
    iou_predictions: stack([n, m], [Float32Array.from(masks, mask => mask.predictedIou)]),
    logits: stack(
      [n, m, height, width],
      masks.map(mask => mask.logits())
    )
  }
}

/** Maximum number of logits in one file: 2 GB. */
const mostLogits = 2 ** 29
