/**
 * The prompt encoder: points, boxes and masks as embeddings. Paper: Appendix A, "Prompt encoder". Meta:
 * modeling/prompt_encoder.py.
 */
import { constant, type Value } from '../ir/value.js'
import * as nn from '../nn/index.js'
import type { Scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'
import { f32 } from '../tensor/tensor.js'

/**
 * Labels of sparse tokens. Box corners are points with their own labels. Meta: PromptEncoder.point_embeddings.
 */
export const pointLabels = { padding: -1, background: 0, foreground: 1, topLeft: 2, bottomRight: 3 } as const

/** Epsilon of LayerNorm2d. Meta: common.py. */
const eps = 1e-6

/**
 * Positional encoding of coordinates in [0,1]²: [..., 2] as (x, y) → [..., width], sines and cosines of random
 * frequencies. Meta: PositionEmbeddingRandom.
 */
function positionalEncoding(p: Scope, coords: Value, width: number): Value {
  const frequencies = p.at('pe_layer').param('positional_encoding_gaussian_matrix', [2, width / 2])
  const signed = ops.sub(ops.mul(coords, 2), 1)
  const angles = ops.mul(
    ops.reshape(ops.matmul(ops.reshape(signed, [-1, 2]), frequencies), [...coords.shape.slice(0, -1), width / 2]),
    2 * Math.PI
  )
  return ops.concat([ops.sin(angles), ops.cos(angles)], -1)
}

/**
 * The positional encoding of the embedding's grid, [1, g, g, width]. Meta: PromptEncoder.get_dense_pe, before its
 * permute.
 */
export function densePositions(p: Scope, { grid, width }: { grid: number; width: number }): Value {
  const centres = new Float32Array(grid * grid * 2)
  for (let i = 0; i < grid * grid; i++)
    centres.set([((i % grid) + 0.5) / grid, (Math.floor(i / grid) + 0.5) / grid], 2 * i)
  return positionalEncoding(p, constant(f32([1, grid, grid, 2], centres)), width)
}

export interface PointInputs {
  /** [P, T, 2]: x, y in pixels of the resized input; the half-pixel offset to pixel centres is added here. */
  readonly coords: Value
  /** [P, T] i32: `pointLabels`. */
  readonly labels: Value
}

/**
 * Points and box corners as tokens [P, T, width]: positional encoding + label embedding. Meta:
 * PromptEncoder._embed_points, ._embed_boxes.
 */
export function embedPoints(
  p: Scope,
  { coords, labels }: PointInputs,
  { imageSize, width }: { imageSize: number; width: number }
): Value {
  const kind = ops.reshape(labels, [...labels.shape, 1])
  const place = positionalEncoding(p, ops.div(ops.add(coords, 0.5), imageSize), width)
  const embeddings: [number, Value][] = [
    [pointLabels.padding, nn.embedding(p.at('not_a_point_embed'), [1, width])],
    ...[0, 1, 2, 3].map((label): [number, Value] => [label, nn.embedding(p.at('point_embeddings', label), [1, width])])
  ]
  return embeddings.reduce(
    (sum, [label, embedding]) => ops.add(sum, ops.where(ops.equal(kind, label), embedding, 0)),
    ops.where(ops.equal(kind, pointLabels.padding), 0, place)
  )
}

/** Mask logits [P, 4g, 4g] as dense embeddings [P, g, g, width]. Meta: PromptEncoder.mask_downscaling. */
export function embedMasks(
  p: Scope,
  masks: Value,
  { maskChannels, width }: { maskChannels: number; width: number }
): Value {
  const s = p.at('mask_downscaling')
  const half = ops.gelu(
    nn.layerNorm(
      s.at(1),
      nn.conv2d(s.at(0), ops.reshape(masks, [...masks.shape, 1]), { out: maskChannels / 4, kernel: 2, stride: 2 }),
      eps
    )
  )
  const quarter = ops.gelu(
    nn.layerNorm(s.at(4), nn.conv2d(s.at(3), half, { out: maskChannels, kernel: 2, stride: 2 }), eps)
  )
  return nn.conv2d(s.at(6), quarter, { out: width, kernel: 1 })
}

/**
 * A CLIP embedding of a phrase or of a crop, [P, n], as a token [P, 1, width]. Paper: D.5, which leaves the projection
 * open; here it is one linear layer, whose bias serves as the label embedding. An extension: Meta's checkpoints have no
 * such parameters.
 */
export const embedText = (p: Scope, text: Value, width: number): Value =>
  ops.reshape(nn.linear(p.at('text_projection'), text, width), [text.shape[0], 1, width])

/** The dense embedding of prompts without a mask, [1, 1, 1, width], added at every position. */
export const noMask = (p: Scope, width: number): Value =>
  ops.reshape(nn.embedding(p.at('no_mask_embed'), [1, width]), [1, 1, 1, width])
