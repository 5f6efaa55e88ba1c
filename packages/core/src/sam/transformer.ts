/** The two-way transformer: tokens and image attend to each other. Paper: Appendix A, "Lightweight mask decoder". Meta: modeling/transformer.py. */
import type { Value } from '../ir/value.js'
import * as nn from '../nn/index.js'
import type { Scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'

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
  /** What training does to residual branches. */
  readonly branch?: nn.Branch | undefined
}

export interface TwoWayConfig {
  readonly depth: number
  readonly heads: number
  readonly mlpWidth: number
}

/** Tokens and image after the layers and one last look of the tokens at the image. Meta: TwoWayTransformer. */
export function twoWayTransformer(p: Scope, { tokens, image, imagePositions, tokenMask, branch }: TwoWayInputs, config: TwoWayConfig): { tokens: Value; image: Value } {
  let [queries, keys] = [tokens, image]
  for (let i = 0; i < config.depth; i++) {
    [queries, keys] = twoWayAttentionBlock(p.at('layers', i), { queries, keys, tokens, imagePositions, tokenMask, branch }, { ...config, first: i === 0 })
  }
  const final = p.at('final_attn_token_to_image')
  const attended = attention(final, [ops.add(queries, tokens), ops.add(keys, imagePositions), keys], { heads: config.heads, downsample: 2 })
  return { tokens: nn.layerNorm(p.at('norm_final_attn'), nn.residual(queries, [attended, final], branch), eps), image: keys }
}

interface BlockInputs extends Omit<TwoWayInputs, 'image'> { readonly queries: Value; readonly keys: Value }

/** Self-attention of tokens; tokens look at the image; MLP on tokens; the image looks at tokens. Meta: TwoWayAttentionBlock. */
function twoWayAttentionBlock(p: Scope, { queries, keys, tokens, imagePositions, tokenMask, branch }: BlockInputs, { heads, mlpWidth, first }: TwoWayConfig & { first: boolean }): [Value, Value] {
  const withPositions = (x: Value): Value => ops.add(x, tokens)
  const positionedKeys = ops.add(keys, imagePositions)

  // The first layer's tokens are their own positions: nothing is added, and there is no residual (skip_first_layer_pe).
  const self = p.at('self_attn')
  let x = first
    ? attention(self, [queries, queries, queries], { heads, mask: tokenMask })
    : nn.residual(queries, [attention(self, [withPositions(queries), withPositions(queries), queries], { heads, mask: tokenMask }), self], branch)
  x = nn.layerNorm(p.at('norm1'), x, eps)

  const look = p.at('cross_attn_token_to_image')
  x = nn.residual(x, [attention(look, [withPositions(x), positionedKeys, keys], { heads, downsample: 2 }), look], branch)
  x = nn.layerNorm(p.at('norm2'), x, eps)

  x = nn.residual(x, [nn.mlpBlock(p.at('mlp'), x, { hidden: mlpWidth, activation: ops.relu }), p.at('mlp')], branch)
  x = nn.layerNorm(p.at('norm3'), x, eps)

  const answer = p.at('cross_attn_image_to_token')
  const image = nn.residual(keys, [attention(answer, [positionedKeys, withPositions(x), x], { heads, downsample: 2, mask: tokenMask }), answer], branch)
  return [x, nn.layerNorm(p.at('norm4'), image, eps)]
}

/** Projections, heads, attention, projection back; `downsample` narrows what is inside. Meta: Attention. */
function attention(p: Scope, [q, k, v]: readonly [Value, Value, Value], { heads, downsample = 1, mask }: { heads: number; downsample?: number; mask?: Value }): Value {
  const width = q.shape.at(-1)!
  const inner = width / downsample
  const split = (name: string, x: Value): Value =>
    ops.transpose(ops.reshape(nn.linear(p.at(name), x, inner), [x.shape[0], x.shape[1], heads, inner / heads]), [0, 2, 1, 3]) // [B, heads, N, d]
  const out = ops.attention([split('q_proj', q), split('k_proj', k), split('v_proj', v)], mask ? { mask } : {})
  return nn.linear(p.at('out_proj'), ops.reshape(ops.transpose(out, [0, 2, 1, 3]), [out.shape[0], out.shape[2], inner]), width)
}
