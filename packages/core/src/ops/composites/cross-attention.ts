import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { compose, reshape, transpose } from '../build.js'
import { attention } from './attention.js'
import { linear } from './linear.js'

export const crossAttentionComposite: Composite = {
  name: 'crossAttention',
  decompose(inputs, attrs) {
    const { q, k, v, projections, mask, heads } = crossAttentionParts({ inputs, attrs })

    // Input projections
    const [queries, keys, values] = [
      linear(q, ...projections.q),
      linear(k, ...projections.k),
      linear(v, ...projections.v)
    ]

    // Separate into heads, attend, recombine
    const out = attention(
      [separateHeads(queries, heads), separateHeads(keys, heads), separateHeads(values, heads)],
      mask ? { mask } : {}
    )

    // Output projection
    return linear(recombineHeads(out), ...projections.out)
  }
}

/** Weight [out, in] and bias [out] of a linear layer. */
export type Projection = readonly [weight: Value, bias: Value]

export interface CrossAttentionOptions {
  readonly heads: number
  /** q, k and v from C to heads·d; `out` from heads·d back to C. */
  readonly projections: Readonly<Record<'q' | 'k' | 'v' | 'out', Projection>>
  /** Added to the scores, [B, 1, 1, Nk]: −1e9 at masked keys. */
  readonly mask?: Value | undefined
}

/**
 * Multi-head attention of one sequence to another, with its projections: q [B, Nq, C], k and v [B, Nk, C] → [B, Nq, C].
 * Batch axes broadcast. With q, k and v from one sequence it is self-attention. Meta: transformer.py#Attention.
 */
export function crossAttention(
  [q, k, v]: readonly [Value, Value, Value],
  { heads, projections, mask }: CrossAttentionOptions
): Value {
  const inner = projections.q[0].shape[0]
  if (inner % heads !== 0)
    throw new GraphError(
      `crossAttention: the inner width must be a multiple of the heads, found ${inner} and ${heads}; change one of them`
    )
  if (mask && (mask.shape.length !== 4 || mask.shape[1] !== 1 || mask.shape[2] !== 1 || mask.shape[3] !== k.shape[1]))
    throw new GraphError(
      `crossAttention: the mask must be [B,1,1,${k.shape[1]}], one value for each key, found ${describe(mask)}; reshape it`
    )
  const { q: ofQ, k: ofK, v: ofV, out } = projections
  return compose(crossAttentionComposite, [q, k, v, ...ofQ, ...ofK, ...ofV, ...out, ...(mask ? [mask] : [])], { heads })
}

/** The parts of a `crossAttention` node. */
export interface CrossAttentionParts extends CrossAttentionOptions {
  readonly q: Value
  readonly k: Value
  readonly v: Value
}

/** The inputs and attributes of a `crossAttention` node, by name. */
export function crossAttentionParts({ inputs, attrs }: Pick<Value, 'inputs' | 'attrs'>): CrossAttentionParts {
  const [q, k, v, qWeight, qBias, kWeight, kBias, vWeight, vBias, outWeight, outBias, mask] = inputs
  const projections = {
    q: [qWeight, qBias],
    k: [kWeight, kBias],
    v: [vWeight, vBias],
    out: [outWeight, outBias]
  } as const
  return { q, k, v, projections, mask, heads: attrs.heads as number }
}

/** [B, N, heads·d] → [B, heads, N, d]. */
export const separateHeads = (x: Value, heads: number): Value =>
  transpose(reshape(x, [...x.shape.slice(0, 2), heads, -1]), [0, 2, 1, 3])

/** [B, heads, N, d] → [B, N, heads·d]. */
export const recombineHeads = (x: Value): Value => reshape(transpose(x, [0, 2, 1, 3]), [x.shape[0], x.shape[2], -1])
