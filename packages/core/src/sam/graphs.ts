import { GraphError } from '../errors.js'
import { graph, type Graph } from '../ir/graph.js'
import { input, type Value } from '../ir/value.js'
import { scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'
import { gridSize, isTinyVit, isVit, lowResSize, type SamConfig } from './config.js'
import { tinyVit } from './encoders/tiny-vit.js'
import { imageEncoder } from './encoders/vit.js'
import { maskDecoder } from './mask-decoder.js'
import { densePositions, embedMasks, embedPoints, embedText, noMask } from './prompt-encoder.js'

/**
 * The image encoder as a graph, run once per image.
 * - input `image` f32[B,3,S,S]: normalised and padded, S = `imageSize`, B = `images`
 * - output `image_embedding` f32[B,C,g,g]; with `blocks`, also `block0` … [B,g,g,width], of a TinyViT its
 *   patch embedding and its stages
 */
export function encodeImage(config: SamConfig, { blocks = false, images = 1 }: EncodeSignature = {}): Graph {
  const { imageSize, imageEncoder: encoder, width } = config
  const image = input('image', [images, 3, imageSize, imageSize])
  const p = scope('image_encoder')
  const encoded = isVit(encoder)
    ? imageEncoder(p, image, { vit: encoder, out: width })
    : isTinyVit(encoder)
      ? tinyVit(p, image, { encoder, out: width })
      : { embedding: encoder.encode(p, image), blocks: [] }
  const g = gridSize(config)
  if (`${encoded.embedding.shape}` !== `${[images, width, g, g]}`) {
    throw new GraphError(
      `${config.name}: the image encoder must give [${images},${width},${g},${g}], found [${encoded.embedding.shape}]`
    )
  }
  return graph('encodeImage', {
    image_embedding: encoded.embedding,
    ...(blocks ? Object.fromEntries(encoded.blocks.map((b, i) => [`block${i}`, b])) : {})
  })
}

export interface EncodeSignature {
  /** Whether the output of each block, of a TinyViT of each stage, is an output too. */
  readonly blocks?: boolean
  /** Images per run. Default: 1. */
  readonly images?: number
}

/** Numbers and kinds of prompts in one decode, which determine its shapes. */
export interface PromptSignature {
  /** P: prompts per decode, each with its own masks. */
  readonly prompts: number
  /** N: points and box corners per prompt, including padding. */
  readonly points: number
  /** K: precomputed sparse tokens per prompt. */
  readonly tokens?: number
  /** Dimensions of the text embedding, of which each prompt may have one; 0 if none has. */
  readonly text?: number
  /** Whether mask prompts are given. */
  readonly masks?: boolean
}

/**
 * Prompt encoder and mask decoder as one graph, run once per click, as Meta defines them. To compile or export it, pass
 * it through `absorbProjections` first, with `['image_embedding']` if that stays the same over many clicks.
 * - input `image_embedding` f32[1,C,g,g]
 * - inputs `point_coords` f32[P,N,2] (pixels of the resized input), `point_labels` i32[P,N] (`pointLabels`)
 * - input `tokens` f32[P,K,C]: precomputed sparse tokens
 * - input `text` f32[P,text]: embeddings of phrases, of length 1
 * - input `token_mask` f32[P,N+K+1] (N+K without text): 1 for tokens, 0 for padding, which is then ignored
 * - inputs `mask_input` f32[P,4g,4g] (logits), `has_mask` f32[P]: 1 if the prompt has a mask
 * - outputs `masks` f32[P,4,4g,4g] logits and `iou_predictions` f32[P,4]; index 0 is the single-mask token, 1 … 3 the
 *   ranked three
 */
export function decodeMasks(
  config: SamConfig,
  { prompts, points, tokens = 0, text = 0, masks = false }: PromptSignature
): Graph {
  const { width, imageSize, maskChannels } = config
  const [g, low] = [gridSize(config), lowResSize(config)]
  const p = scope('prompt_encoder')
  const declared: Value[] = []
  const declare = (value: Value): Value => {
    declared.push(value)
    return value
  }

  const embedding = ops.transpose(declare(input('image_embedding', [1, width, g, g])), [0, 2, 3, 1]) // [1, g, g, C]

  const sparse: Value[] = []
  if (points) {
    const coords = declare(input('point_coords', [prompts, points, 2]))
    const labels = declare(input('point_labels', [prompts, points], 'i32'))
    sparse.push(embedPoints(p, { coords, labels }, { imageSize, width }))
  }
  if (tokens) sparse.push(declare(input('tokens', [prompts, tokens, width])))
  if (text) sparse.push(embedText(p, declare(input('text', [prompts, text])), width))
  const tokenMask = sparse.length
    ? declare(input('token_mask', [prompts, points + tokens + (text ? 1 : 0)]))
    : undefined

  let dense = noMask(p, width)
  if (masks) {
    const mask = embedMasks(p, declare(input('mask_input', [prompts, low, low])), { maskChannels, width })
    const given = ops.less(0.5, ops.reshape(declare(input('has_mask', [prompts])), [prompts, 1, 1, 1]))
    dense = ops.where(given, mask, dense)
  }

  const { masks: logits, iou } = maskDecoder(
    scope('mask_decoder'),
    {
      image: ops.add(embedding, dense),
      imagePositions: densePositions(p, { grid: g, width }),
      sparse: sparse.length ? ops.concat(sparse, 1) : undefined,
      tokenMask,
      prompts
    },
    config
  )
  return graph('decodeMasks', { masks: logits, iou_predictions: iou }, declared)
}

/**
 * Low-resolution logits to the original image's size: upscaled to the square input, cropped, resized to the original.
 * Meta: sam.py#postprocess_masks. For export and devices; on the host, `Mask` does the same lazily with sparse taps.
 * - input `masks` f32[P,M,4g,4g] → output `logits` f32[P,M,height,width]
 */
export function upscaleMasks(
  config: SamConfig,
  { prompts, masks, inputSize: [inputHeight, inputWidth], originalSize }: UpscaleSignature
): Graph {
  const { imageSize } = config
  const low = lowResSize(config)
  const square = ops.resizeBilinear(input('masks', [prompts, masks, low, low]), [imageSize, imageSize])
  const cropped = ops.slice(ops.slice(square, -2, { start: 0, size: inputHeight }), -1, { start: 0, size: inputWidth })
  return graph('upscaleMasks', { logits: ops.resizeBilinear(cropped, originalSize) })
}

export interface UpscaleSignature {
  readonly prompts: number
  readonly masks: number
  /** [height, width] of the resized image inside the square. */
  readonly inputSize: readonly [number, number]
  /** [height, width] of the photo. */
  readonly originalSize: readonly [number, number]
}
