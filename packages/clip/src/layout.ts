import { WeightsError } from '@sam/core'
import type { Graph } from '@sam/core/graph'
import { mean, deviation } from './crop.js'
import { clipConfigJson, type ClipConfig } from './graph/config.js'
import { encodeText } from './graph/text-model.js'
import { encodeCrops } from './graph/vision-model.js'

/**
 * A model file in transformers.js' layout, to write with @sam/onnx: `toDynamicOnnx(({ batch }) =>
 * build(batch), { batch: { from: { input, axis: 0 } } }, { weights, int64Inputs, inlineLimit: Infinity })`.
 */
export interface LayoutModel {
  readonly path: string
  /** The input whose first axis is the batch. */
  readonly input: string
  readonly int64Inputs: readonly string[]
  readonly build: (batch: number) => Graph
}

/** The models for transformers.js' CLIPTextModelWithProjection and CLIPVisionModelWithProjection. */
export const layoutModels = (config: ClipConfig): readonly LayoutModel[] => [
  {
    path: 'onnx/text_model.onnx',
    input: 'input_ids',
    int64Inputs: ['input_ids'],
    build: texts => encodeText(config, { texts })
  },
  {
    path: 'onnx/vision_model.onnx',
    input: 'pixel_values',
    int64Inputs: [],
    build: images => encodeCrops(config, { images })
  }
]

/**
 * The JSON files next to the models, by path. Throws `WeightsError` `E_WEIGHTS_FORMAT` for a tokenizer without the
 * config's end token.
 */
export function layoutFiles(config: ClipConfig, tokenizer: unknown): Readonly<Record<string, unknown>> {
  const { imageSize } = config.vision
  const end = tokenNamed(tokenizer, config.text.end)
  return {
    'config.json': clipConfigJson(config),
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': {
      tokenizer_class: 'CLIPTokenizer',
      model_max_length: config.text.context,
      eos_token: end,
      unk_token: end,
      pad_token: end
    },
    'preprocessor_config.json': {
      image_processor_type: 'CLIPImageProcessor',
      do_resize: true,
      size: { shortest_edge: imageSize },
      resample: 3,
      do_center_crop: true,
      crop_size: { width: imageSize, height: imageSize },
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: mean,
      image_std: deviation
    }
  }
}

function tokenNamed(tokenizer: unknown, id: number): string {
  const { added_tokens: added } = (tokenizer ?? {}) as { added_tokens?: readonly { id?: unknown; content?: unknown }[] }
  const content = Array.isArray(added)
    ? (added as { id?: unknown; content?: unknown }[]).find(token => token?.id === id)?.content
    : undefined
  if (typeof content !== 'string')
    throw new WeightsError('E_WEIGHTS_FORMAT', `tokenizer.json: added_tokens must have token ${id}, which ends a text`)
  return content
}
