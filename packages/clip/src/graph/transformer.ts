/** CLIP's transformer layers, the same in both towers. transformers: models/clip/modeling_clip.py#CLIPEncoder. */
import { nn, ops, type Scope, type Value } from '@sam/core/graph'
import type { ClipConfig, Tower } from './config.js'

export interface LayerOptions extends Tower, Pick<ClipConfig, 'activation' | 'eps'> {
  /** Added to the attention scores of every layer, [1 or B, 1, N, N]: −1e9 at masked positions. */
  readonly mask?: Value | undefined
}

/** Norm, attention, residual; norm, MLP, residual: `encoder.layers.0` … up to `until`. x is [B, N, width]. */
export function layers(p: Scope, x: Value, { until, ...options }: LayerOptions & { until: number }): Value {
  for (let i = 0; i < until; i++) x = layer(p.at('encoder', 'layers', i), x, options)
  return x
}

/**
 * One layer. With `only`, outputs just that many leading tokens, which still attend to all. CLIPEncoderLayer.
 */
export function layer(p: Scope, x: Value, { only = x.shape[1], ...options }: LayerOptions & { only?: number }): Value {
  const leading = (value: Value): Value => ops.slice(value, 1, { start: 0, size: only })
  const normed = nn.layerNorm(p.at('layer_norm1'), x, options.eps)
  const attended = ops.add(leading(x), attention(p.at('self_attn'), [leading(normed), normed], options))
  return ops.add(attended, mlp(p.at('mlp'), nn.layerNorm(p.at('layer_norm2'), attended, options.eps), options))
}

/** Tokens [B, Nq, width] attend to tokens [B, N, width]. CLIPAttention. */
function attention(p: Scope, [queries, keys]: readonly [Value, Value], { width, heads, mask }: LayerOptions): Value {
  const split = (name: string, x: Value): Value =>
    ops.transpose(
      ops.reshape(nn.linear(p.at(name), x, width), [x.shape[0], x.shape[1], heads, width / heads]),
      [0, 2, 1, 3]
    ) // [B, heads, N, d]
  const out = ops.attention(
    [split('q_proj', queries), split('k_proj', keys), split('v_proj', keys)],
    mask ? { mask } : {}
  )
  return nn.linear(p.at('out_proj'), ops.reshape(ops.transpose(out, [0, 2, 1, 3]), queries.shape), width)
}

/** CLIPMLP. */
const mlp = (p: Scope, x: Value, { width, mlpWidth, activation }: LayerOptions): Value =>
  nn.linear(p.at('fc2'), activations[activation](nn.linear(p.at('fc1'), x, mlpWidth)), width)

const activations = {
  gelu: ops.gelu,
  /** x·σ(1.702·x), as in OpenAI's CLIP. */
  quick_gelu: (x: Value): Value => ops.mul(x, ops.sigmoid(ops.mul(x, 1.702)))
} as const

/** `weight` [out, in] without a bias: the projections into the joint embedding space. */
export const projection = (p: Scope, x: Value, out: number): Value =>
  ops.linear(x, p.param('weight', [out, x.shape.at(-1)!]))
