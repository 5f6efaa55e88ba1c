/** SAM in the layout of transformers (config.json) and transformers.js (two ONNX models). */
import { graph, input, ops, scope } from '@sam/core/graph'
import {
  decodeMasks,
  densePositions,
  encodeImage,
  gridSize,
  isVit,
  lowResSize,
  pixelMean,
  pixelStd,
  pointLabels,
  type SamConfig
} from '@sam/core/model'
import type { ExportedModel } from './exported-model.js'
import { metadataOf, withInputs } from './meta.js'

/** The label of points that a client appends to make its prompts equally long. transformers: `point_pad_value`. */
const ignoredPoint = -10

/**
 * `onnx/vision_encoder.onnx`: `pixel_values` f32[1,3,S,S] → `image_embeddings` and `image_positional_embeddings`
 * f32[1,C,g,g]. transformers.js computes both once per image.
 */
export const transformersEncoder = (config: SamConfig): ExportedModel => ({
  options: { metadata: metadataOf(config) },
  sizes: {},
  build() {
    const { imageSize, width } = config
    const image = input('pixel_values', [1, 3, imageSize, imageSize])
    const positions = densePositions(scope('prompt_encoder'), { grid: gridSize(config), width })
    return graph('vision_encoder', {
      image_embeddings: withInputs(encodeImage(config), { image }).image_embedding,
      image_positional_embeddings: ops.transpose(positions, [0, 3, 1, 2])
    })
  }
})

/**
 * `onnx/prompt_encoder_mask_decoder.onnx`, for P prompts of N points each:
 * - `input_points` f32[1,P,N,2], pixels of the resized input; `input_labels` int64[1,P,N]: as in `pointLabels`, so the
 *   corners of a box are points of labels 2 and 3; −10 is ignored
 * - `image_embeddings` f32[1,C,g,g]; `image_positional_embeddings`, which the model knows and does not read
 * - → `iou_scores` f32[1,P,3], `pred_masks` f32[1,P,3,4g,4g] (logits)
 *
 * Meta's padding point follows the points of a prompt without a box.
 */
export const transformersDecoder = (config: SamConfig): ExportedModel<'point_batch_size' | 'nb_points_per_image'> => ({
  options: { int64Inputs: ['input_labels'], metadata: metadataOf(config) },
  // Small, so that products of tokens are not among those of many rows, which are quantized.
  sizes: {
    point_batch_size: { from: { input: 'input_points', axis: 1 }, probes: [7, 11, 15] },
    nb_points_per_image: { from: { input: 'input_points', axis: 2 }, probes: [17, 23, 29] }
  },
  build({ point_batch_size: prompts, nb_points_per_image: points }) {
    const { width } = config
    const g = gridSize(config)
    const embedding = input('image_embeddings', [1, width, g, g])
    const positions = input('image_positional_embeddings', [1, width, g, g])
    const coords = input('input_points', [1, prompts, points, 2])
    const given = input('input_labels', [1, prompts, points], 'i32')

    const labels = ops.reshape(given, [prompts, points])
    const present = ops.where(ops.equal(labels, ignoredPoint), 0, 1)
    const withoutBox = ops.sub(1, ops.reduceMax(ops.where(ops.equal(labels, pointLabels.topLeft), 1, 0), [1]))
    const { masks, iou_predictions: scores } = withInputs(decodeMasks(config, { prompts, points: points + 1 }), {
      image_embedding: embedding,
      point_coords: ops.concat([ops.reshape(coords, [prompts, points, 2]), ops.fill([prompts, 1, 2], 0)], 1),
      point_labels: ops.concat([labels, ops.fill([prompts, 1], pointLabels.padding, 'i32')], 1),
      token_mask: ops.concat([present, withoutBox], 1)
    })
    const three = { start: 1, size: config.decoder.multimaskOutputs }
    return graph(
      'prompt_encoder_mask_decoder',
      {
        iou_scores: ops.reshape(ops.slice(scores, 1, three), [1, prompts, three.size]),
        pred_masks: ops.reshape(ops.slice(masks, 1, three), [1, prompts, three.size, ...masks.shape.slice(2)])
      },
      [coords, given, embedding, positions]
    )
  }
})

/**
 * `config.json` of transformers' `SamModel`. It describes a ViT: of another encoder it holds what transformers.js reads
 * and no `vision_config`, so that Python's transformers refuses it.
 */
export function transformersConfig(config: SamConfig): Readonly<Record<string, unknown>> {
  const { imageEncoder: encoder, imageSize, width, maskChannels, decoder } = config
  const common = { model_type: 'sam', architectures: ['SamModel'], initializer_range: 0.02 }
  if (!isVit(encoder)) return common
  return {
    ...common,
    vision_config: {
      model_type: 'sam_vision_model',
      hidden_size: encoder.width,
      output_channels: width,
      num_hidden_layers: encoder.depth,
      num_attention_heads: encoder.heads,
      num_channels: 3,
      image_size: imageSize,
      patch_size: encoder.patchSize,
      hidden_act: 'gelu',
      layer_norm_eps: 1e-6,
      attention_dropout: 0,
      qkv_bias: true,
      mlp_ratio: encoder.mlpRatio,
      mlp_dim: Math.round(encoder.width * encoder.mlpRatio),
      use_abs_pos: true,
      use_rel_pos: true,
      window_size: encoder.window,
      global_attn_indexes: encoder.globalBlocks,
      num_pos_feats: width / 2
    },
    prompt_encoder_config: {
      hidden_size: width,
      image_size: imageSize,
      patch_size: encoder.patchSize,
      mask_input_channels: maskChannels,
      num_point_embeddings: 4,
      hidden_act: 'gelu',
      layer_norm_eps: 1e-6
    },
    mask_decoder_config: {
      hidden_size: width,
      hidden_act: 'relu',
      mlp_dim: decoder.mlpWidth,
      num_hidden_layers: decoder.depth,
      num_attention_heads: decoder.heads,
      attention_downsample_rate: 2,
      num_multimask_outputs: decoder.multimaskOutputs,
      iou_head_depth: 3,
      iou_head_hidden_dim: decoder.iouHiddenWidth,
      layer_norm_eps: 1e-6
    }
  }
}

/** `preprocessor_config.json`: the longest side resized to the model's, normalised, padded to a square. */
export function transformersPreprocessor(config: SamConfig): Readonly<Record<string, unknown>> {
  const { imageSize } = config
  return {
    processor_class: 'SamProcessor',
    image_processor_type: 'SamImageProcessor',
    do_convert_rgb: true,
    do_resize: true,
    size: { longest_edge: imageSize },
    resample: 2,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: pixelMean.map(v => v / 255),
    image_std: pixelStd.map(v => v / 255),
    do_pad: true,
    pad_size: { height: imageSize, width: imageSize },
    mask_size: { longest_edge: lowResSize(config) }
  }
}
