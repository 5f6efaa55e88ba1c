/**
 * The mask decoder. Paper: Appendix A, "Lightweight mask decoder" and "Making the model ambiguity-aware". Meta:
 * modeling/mask_decoder.py.
 */
import type { Value } from '../ir/value.js'
import * as nn from '../nn/index.js'
import type { Scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'
import type { SamConfig } from './config.js'
import { twoWayTransformer } from './transformer.js'

/** Epsilon of LayerNorm2d. Meta: common.py. */
const eps = 1e-6

export interface DecoderInputs {
  /** Image embedding plus dense prompt, channels last: [P or 1, g, g, C]. */
  readonly image: Value
  /** Positional encoding of the grid, [1, g, g, C]. */
  readonly imagePositions: Value
  /** Sparse prompt tokens [P, T, C], or none. */
  readonly sparse: Value | undefined
  /** 1 for tokens, 0 for padding, [P, T]. */
  readonly tokenMask: Value | undefined
  /** P. */
  readonly prompts: number
}

/**
 * All masks [P, 4, 4g, 4g] as logits and their predicted IoU [P, 4]; index 0 is the single-mask token. Meta:
 * MaskDecoder.predict_masks.
 */
export function maskDecoder(
  p: Scope,
  inputs: DecoderInputs,
  { width, decoder }: SamConfig
): { masks: Value; iou: Value } {
  const { image, imagePositions, sparse, tokenMask, prompts } = inputs
  const maskTokens = decoder.multimaskOutputs + 1
  const [, g] = image.shape as [number, number, number, number]

  // Output tokens first, then the prompt's.
  const own = ops.concat(
    [nn.embedding(p.at('iou_token'), [1, width]), nn.embedding(p.at('mask_tokens'), [maskTokens, width])],
    0
  )
  const output = ops.broadcastTo(own, [prompts, 1 + maskTokens, width])
  const tokens = sparse ? ops.concat([output, sparse], 1) : output
  const present = ops.fill([prompts, 1 + maskTokens], 1)
  const mask = ops.mul(ops.sub(tokenMask ? ops.concat([present, tokenMask], 1) : present, 1), 1e9)

  const flat = (x: Value): Value => ops.reshape(x, [x.shape[0], g * g, width])
  const out = twoWayTransformer(
    p.at('transformer'),
    {
      tokens,
      image: flat(image),
      imagePositions: flat(imagePositions),
      tokenMask: ops.reshape(mask, [prompts, 1, 1, tokens.shape[1]])
    },
    decoder
  )

  // Upscale the image 4×; each mask token gives weights for its channels at every position. Positions are arranged into
  // rows last, when each has only four values.
  const upscaled = upscale(p.at('output_upscaling'), out.image, width) // [P, g²·16, C/8]
  const token = (i: number): Value => ops.reshape(ops.slice(out.tokens, 1, { start: i, size: 1 }), [prompts, width])
  const weights = ops.stack(
    Array.from({ length: maskTokens }, (_, i) =>
      nn.mlp(p.at('output_hypernetworks_mlps', i), token(1 + i), { widths: [width, width, width / 8] })
    ),
    1
  ) // [P, 4, C/8]
  const tiles = ops.reshape(ops.matmul(weights, ops.swap(upscaled)), [prompts, maskTokens, g, g, 2, 2, 2, 2])
  const masks = ops.transpose(tiles, [0, 1, 2, 4, 6, 3, 5, 7])

  const iou = nn.mlp(p.at('iou_prediction_head'), token(0), {
    widths: [decoder.iouHiddenWidth, decoder.iouHiddenWidth, maskTokens]
  })
  return { masks: ops.reshape(masks, [prompts, maskTokens, 4 * g, 4 * g]), iou }
}

/**
 * Two transposed convolutions, 4× in total, with GELU after each and a norm between: [P, N, C] → [P, N·16, C/8]. Each
 * position becomes 2×2, and each of these 2×2, in that order. Meta: MaskDecoder.output_upscaling.
 */
function upscale(p: Scope, x: Value, width: number): Value {
  const [prompts, n] = x.shape
  const twice = ops.reshape(nn.tile2x(p.at(0), x, width / 4), [prompts, 4 * n, width / 4])
  const fourfold = ops.gelu(nn.tile2x(p.at(3), ops.gelu(nn.layerNorm(p.at(1), twice, eps)), width / 8))
  return ops.reshape(fourfold, [prompts, 16 * n, width / 8])
}
