/**
 * The two-way transformer: tokens and image attend to each other. Paper: Appendix A, "Lightweight mask decoder". Meta:
 * modeling/transformer.py.
 */
import type { Value } from '../ir/value.js'
import * as nn from '../nn/index.js'
import type { Scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'
import { attention, imageToToken, tokenToImage, type Sides } from './attention.js'

/** Inside the root of the transformer's norms: PyTorch's default, unlike the encoder's. */
const eps = 1e-5

export interface TwoWayInputs {
  /** [P, T, C], with their positional encodings: they are also the queries' positions throughout. */
  readonly tokens: Value
  /** Image tokens [P or 1, g², C]. */
  readonly image: Value
  /** Their positional encoding [1, g², C]. */
  readonly imagePositions: Value
  /** Added to the scores where tokens are keys, [P, 1, 1, T]: −1e9 at padding. */
  readonly tokenMask: Value
  /** Whether `image` is made of the image alone, without mask prompts; false unless told. */
  readonly imageOnly?: boolean | undefined
  /** What training does to residual branches. */
  readonly branch?: nn.Branch | undefined
}

export interface TwoWayConfig {
  readonly depth: number
  readonly heads: number
  readonly mlpWidth: number
}

/** Tokens and image after the layers and one last look of the tokens at the image. Meta: TwoWayTransformer. */
export function twoWayTransformer(
  p: Scope,
  inputs: TwoWayInputs,
  config: TwoWayConfig
): { tokens: Value; image: Value } {
  const { tokens, image, imagePositions: positions, imageOnly = false, branch } = inputs
  let [queries, keys] = [tokens, image]
  for (let i = 0; i < config.depth; i++) {
    const first = i === 0
    ;[queries, keys] = twoWayAttentionBlock(
      p.at('layers', i),
      { ...inputs, queries, keys, imageOnly: imageOnly && first },
      { ...config, first }
    )
  }
  const final = p.at('final_attn_token_to_image')
  const attended = tokenToImage(
    final,
    { tokens: ops.add(queries, tokens), image: keys, positions, imageOnly: false },
    config.heads
  )
  return {
    tokens: nn.layerNorm(p.at('norm_final_attn'), nn.residual(queries, [attended, final], branch), eps),
    image: keys
  }
}

interface BlockInputs extends Omit<TwoWayInputs, 'image'> {
  readonly queries: Value
  readonly keys: Value
  readonly imageOnly: boolean
}

/**
 * Self-attention of tokens; tokens look at the image; MLP on tokens; the image looks at tokens. Meta:
 * TwoWayAttentionBlock.
 */
function twoWayAttentionBlock(
  p: Scope,
  inputs: BlockInputs,
  { heads, mlpWidth, first }: TwoWayConfig & { first: boolean }
): [Value, Value] {
  const { queries, keys, tokens, imagePositions, tokenMask, imageOnly, branch } = inputs
  const withPositions = (x: Value): Value => ops.add(x, tokens)
  const sides = (x: Value): Sides => ({ tokens: withPositions(x), image: keys, positions: imagePositions, imageOnly })

  // The first layer's tokens are their own positions: nothing is added, and there is no residual (skip_first_layer_pe).
  const self = p.at('self_attn')
  let x = first
    ? attention(self, [queries, queries, queries], { heads, mask: tokenMask })
    : nn.residual(
        queries,
        [attention(self, [withPositions(queries), withPositions(queries), queries], { heads, mask: tokenMask }), self],
        branch
      )
  x = nn.layerNorm(p.at('norm1'), x, eps)

  const look = p.at('cross_attn_token_to_image')
  x = nn.residual(x, [tokenToImage(look, sides(x), heads), look], branch)
  x = nn.layerNorm(p.at('norm2'), x, eps)

  x = nn.residual(x, [nn.mlpBlock(p.at('mlp'), x, { hidden: mlpWidth, activation: ops.relu }), p.at('mlp')], branch)
  x = nn.layerNorm(p.at('norm3'), x, eps)

  const answer = p.at('cross_attn_image_to_token')
  const image = nn.residual(
    keys,
    [imageToToken(answer, { ...sides(x), values: x, mask: tokenMask }, heads), answer],
    branch
  )
  return [x, nn.layerNorm(p.at('norm4'), image, eps)]
}
