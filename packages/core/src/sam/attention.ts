/** The attention of the two-way transformer. Meta: modeling/transformer.py#Attention. */
import type { Value } from '../ir/value.js'
import type { Scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'

export interface AttentionOptions {
  readonly heads: number
  /** Factor by which the inner width is smaller than C. Default: 1. */
  readonly downsample?: number
  /** Added to the scores, [B, 1, 1, keys]. */
  readonly mask?: Value | undefined
}

/** Projects q, k and v to C / downsample, attends per head, and projects back to C. */
export function attention(
  p: Scope,
  qkv: readonly [q: Value, k: Value, v: Value],
  { heads, downsample = 1, mask }: AttentionOptions
): Value {
  const width = qkv[0].shape.at(-1)!
  const inner = width / downsample
  const projection = (name: string, [out, into]: readonly [number, number]): ops.Projection => [
    p.at(name).param('weight', [out, into]),
    p.at(name).param('bias', [out])
  ]
  return ops.crossAttention(qkv, {
    heads,
    mask,
    projections: {
      q: projection('q_proj', [inner, width]),
      k: projection('k_proj', [inner, width]),
      v: projection('v_proj', [inner, width]),
      out: projection('out_proj', [width, inner])
    }
  })
}
