/** Attention among tokens, and between tokens and the image. Meta: modeling/transformer.py#Attention. */
import type { Value } from '../ir/value.js'
import * as nn from '../nn/index.js'
import type { Scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'

export interface AttentionOptions {
  readonly heads: number
  /** How many times narrower it is inside; 1 unless told. */
  readonly downsample?: number
  /** Added to the scores, [P, 1, 1, keys]. */
  readonly mask?: Value
}

/** Projections, heads, attention, projection back. */
export function attention(
  p: Scope,
  [q, k, v]: readonly [Value, Value, Value],
  { heads, downsample = 1, mask }: AttentionOptions
): Value {
  const width = q.shape.at(-1)!
  const project = (name: string, x: Value): Value => split(nn.linear(p.at(name), x, width / downsample), heads)
  const out = ops.attention([project('q_proj', q), project('k_proj', k), project('v_proj', v)], mask ? { mask } : {})
  return nn.linear(p.at('out_proj'), join(out), width)
}

/** The two sides of a cross attention, which is half as wide inside. */
export interface Sides {
  /** [P, T, C], their positions added. */
  readonly tokens: Value
  /** [P or 1, N, C], without positions. */
  readonly image: Value
  /** Positional encoding of the image's places, [1, N, C]. */
  readonly positions: Value
  /**
   * Whether `image` is made of the image alone: what is projected of it is then projected once an image, not once a
   * click.
   */
  readonly imageOnly: boolean
}

/**
 * Tokens look at the image. Few tokens absorb its projections: where a key is Kx + k(position), a score q·key is (qK)·x
 * + q·k(position); and Σ a(Vx + v) is V(Σ ax) + v, since attention sums to 1. What is left is attention over the image
 * itself, each token in each head a query.
 */
export function tokenToImage(p: Scope, { tokens, image, positions, imageOnly }: Sides, heads: number): Value {
  if (!absorbs(tokens, heads, imageOnly ? 0 : image.shape[0])) {
    return attention(p, [tokens, ops.add(image, positions), image], { heads, downsample: 2 })
  }
  const { prompts, count, width, inner, scale } = sizesOf(tokens, heads)
  const [k, v, o] = [p.at('k_proj'), p.at('v_proj'), p.at('out_proj')]
  const q = split(nn.linear(p.at('q_proj'), tokens, inner), heads) // [P, heads, T, d]
  const queries = ops.matmul(q, byHead(ops.mul(k.param('weight', [inner, width]), scale), heads)) // [P, heads, T, C]
  const ofPlaces = ops.matmul(q, ops.swap(split(ops.mul(nn.linear(k, positions, inner), scale), heads))) // [P, heads, T, N]
  const scores = ops.add(ops.matmul(rows(queries), ops.swap(image)), rows(ofPlaces)) // [P, heads·T, N]
  const seen = ops.reshape(ops.matmul(ops.softmax(scores), image), [prompts, heads, count, width])
  const out = ops.matmul(seen, ops.swap(byHead(v.param('weight', [inner, width]), heads)))
  const bias = nn.linear(o, v.param('bias', [inner]), width)
  return ops.linear(join(out), o.param('weight', [width, inner]), bias)
}

export interface ImageToToken extends Sides {
  /** [P, T, C]: the tokens without positions. */
  readonly values: Value
  /** Added to the scores, [P, 1, 1, T]. */
  readonly mask: Value
}

/**
 * The image looks at tokens. Few tokens absorb its projections: a score (Qx + q)·k is (kQ)·x + q·k;
 * and O(Σ av) + o is Σ a(Ov + o), since attention sums to 1.
 */
export function imageToToken(
  p: Scope,
  { tokens, image, positions, imageOnly, values, mask }: ImageToToken,
  heads: number
): Value {
  const places = ops.add(image, positions)
  const { prompts, count, width, inner, scale } = sizesOf(tokens, heads)
  if (!absorbs(tokens, heads, prompts)) return attention(p, [places, tokens, values], { heads, downsample: 2, mask })

  const [q, o] = [p.at('q_proj'), p.at('out_proj')]
  const k = split(nn.linear(p.at('k_proj'), tokens, inner), heads) // [P, heads, T, d]
  const v = split(nn.linear(p.at('v_proj'), values, inner), heads)
  const [joined, apart] = [
    [prompts, image.shape[1], heads * count],
    [prompts, image.shape[1], heads, count]
  ]

  let scores: Value // [P, N, heads·T]
  let bias = ops.broadcastTo(mask, [prompts, 1, heads, count])
  if (absorbs(tokens, heads, imageOnly ? 0 : image.shape[0])) {
    const absorbed = (weight: Value): Value => ops.matmul(k, byHead(ops.mul(weight, scale), heads)) // [P, heads, T, C or 1]
    scores = ops.matmul(places, ops.swap(rows(absorbed(q.param('weight', [inner, width])))))
    bias = ops.add(bias, ops.reshape(absorbed(q.param('bias', [inner])), bias.shape))
  } else {
    scores = join(ops.matmul(split(ops.mul(nn.linear(q, places, inner), scale), heads), ops.swap(k)))
  }
  const attended = ops.softmax(ops.reshape(ops.add(scores, ops.reshape(bias, [prompts, 1, heads * count])), apart))
  const share = ops.div(o.param('bias', [width]), heads) // as each head's attention sums to 1
  const answers = ops.add(ops.matmul(v, byHead(ops.swap(o.param('weight', [width, inner])), heads)), share) // [P, heads, T, C]
  return ops.matmul(ops.reshape(attended, joined), rows(answers))
}

/**
 * Whether it is less work to absorb projections than to do them. In multiply-adds a place of the image: (tW)·x for each
 * prompt, head and token; or Wx as often as `projections` says, and t·(Wx). Multi-head latent attention (DeepSeek-V2)
 * absorbs its projections in the same way.
 */
function absorbs(tokens: Value, heads: number, projections: number): boolean {
  const { prompts, count, width, inner } = sizesOf(tokens, heads)
  return prompts * heads * count * width < projections * width * inner + prompts * count * inner
}

interface Sizes {
  readonly prompts: number
  /** T. */
  readonly count: number
  /** C. */
  readonly width: number
  /** heads·d. */
  readonly inner: number
  /** Of scores, 1/√d. */
  readonly scale: number
}

function sizesOf(tokens: Value, heads: number): Sizes {
  const [prompts, count, width] = tokens.shape as [number, number, number]
  return { prompts, count, width, inner: width / 2, scale: (width / 2 / heads) ** -0.5 }
}

/** A layer's weight or bias head by head: [heads·d, n] or [heads·d] → [heads, d, n]. */
const byHead = (weight: Value, heads: number): Value => ops.reshape(weight, [heads, weight.shape[0] / heads, -1])

/** [B, N, heads·d] → [B, heads, N, d]. */
const split = (x: Value, heads: number): Value =>
  ops.transpose(ops.reshape(x, [...x.shape.slice(0, 2), heads, -1]), [0, 2, 1, 3])

/** [B, heads, N, d] → [B, N, heads·d]. */
const join = (x: Value): Value => ops.reshape(ops.transpose(x, [0, 2, 1, 3]), [x.shape[0], x.shape[2], -1])

/** [B, heads, T, n] → [B, heads·T, n]. */
const rows = (x: Value): Value => ops.reshape(x, [x.shape[0], -1, x.shape[3]])
