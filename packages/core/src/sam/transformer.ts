/**
 * The two-way transformer: tokens and image attend to each other. Paper: Appendix A, "Lightweight mask decoder". Meta:
 * modeling/transformer.py.
 */
import type { Value } from '../ir/value.js'
import * as nn from '../nn/index.js'
import type { Scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'
import { attention } from './attention.js'

/** Epsilon of the transformer's norms: PyTorch's default, unlike the encoder's. */
const eps = 1e-5

export interface TwoWayInputs {
  /** [P, T, C], with their positional encodings. They also serve as the queries' positions in all layers. */
  readonly tokens: Value
  /** Image tokens [P or 1, g², C]. */
  readonly image: Value
  /** Their positional encoding [1, g², C]. */
  readonly imagePositions: Value
  /** Added to the scores where tokens are keys, [P, 1, 1, T]: −1e9 at padding. */
  readonly tokenMask: Value
}

export interface TwoWayConfig {
  readonly depth: number
  readonly heads: number
  readonly mlpWidth: number
}

/** Tokens and image after the layers and a final attention of the tokens to the image. Meta: TwoWayTransformer. */
export function twoWayTransformer(
  p: Scope,
  { tokens, image, imagePositions, tokenMask }: TwoWayInputs,
  { depth, heads, mlpWidth }: TwoWayConfig
): { tokens: Value; image: Value } {
  // Prepare queries
  let [queries, keys] = [tokens, image]
  const positions = { queryPe: tokens, keyPe: imagePositions, tokenMask }

  // Apply transformer blocks and final layernorm
  for (let layer = 0; layer < depth; layer++)
    [queries, keys] = twoWayAttentionBlock(
      p.at('layers', layer),
      { queries, keys, ...positions },
      { heads, mlpWidth, layer }
    )

  // Apply the final attention layer from the points to the image
  const final = p.at('final_attn_token_to_image')
  const [q, k] = [ops.add(queries, tokens), ops.add(keys, imagePositions)]
  const attended = attention(final, [q, k, keys], { heads, downsample: 2 })
  queries = nn.residual(final, [queries, attended], depth)
  return { tokens: nn.layerNorm(p.at('norm_final_attn'), queries, eps), image: keys }
}

interface BlockInputs {
  /** Tokens [P, T, C], and their positional encodings. */
  readonly queries: Value
  readonly queryPe: Value
  /** Image [P or 1, g², C], and its positional encoding [1, g², C]. */
  readonly keys: Value
  readonly keyPe: Value
  readonly tokenMask: Value
}

/**
 * Self-attention of tokens; tokens attend to the image; MLP on tokens; the image attends to tokens. Meta:
 * TwoWayAttentionBlock.
 */
function twoWayAttentionBlock(
  p: Scope,
  { queries, queryPe, keys, keyPe, tokenMask: mask }: BlockInputs,
  { heads, mlpWidth, layer }: Omit<TwoWayConfig, 'depth'> & { layer: number }
): [queries: Value, keys: Value] {
  let q: Value, k: Value, attended: Value

  // Self attention block. In the first layer the tokens are the positions: nothing is added, and there is no residual
  // (skip_first_layer_pe).
  const self = p.at('self_attn')
  if (layer === 0) {
    queries = attention(self, [queries, queries, queries], { heads, mask })
  } else {
    q = ops.add(queries, queryPe)
    attended = attention(self, [q, q, queries], { heads, mask })
    queries = nn.residual(self, [queries, attended], layer)
  }
  queries = nn.layerNorm(p.at('norm1'), queries, eps)

  // Cross attention block, tokens attending to image embedding
  const tokenToImage = p.at('cross_attn_token_to_image')
  q = ops.add(queries, queryPe)
  k = ops.add(keys, keyPe)
  attended = attention(tokenToImage, [q, k, keys], { heads, downsample: 2 })
  queries = nn.residual(tokenToImage, [queries, attended], layer)
  queries = nn.layerNorm(p.at('norm2'), queries, eps)

  // MLP block
  const mlp = nn.mlpBlock(p.at('mlp'), queries, { hidden: mlpWidth, activation: ops.relu })
  queries = nn.residual(p.at('mlp'), [queries, mlp], layer)
  queries = nn.layerNorm(p.at('norm3'), queries, eps)

  // Cross attention block, image embedding attending to tokens
  const imageToToken = p.at('cross_attn_image_to_token')
  q = ops.add(queries, queryPe)
  k = ops.add(keys, keyPe)
  attended = attention(imageToToken, [k, q, queries], { heads, downsample: 2, mask })
  keys = nn.residual(imageToToken, [keys, attended], layer)
  keys = nn.layerNorm(p.at('norm4'), keys, eps)

  return [queries, keys]
}
