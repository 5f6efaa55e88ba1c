import type { Graph } from '../ir/graph.js'
import { nameOf, type Value } from '../ir/value.js'
import { add, broadcastTo, div, matmul, mul, reshape, swap } from '../ops/build.js'
import {
  crossAttentionComposite,
  crossAttentionParts,
  recombineHeads,
  separateHeads,
  type CrossAttentionParts
} from '../ops/composites/cross-attention.js'
import { linear } from '../ops/composites/linear.js'
import { softmax } from '../ops/composites/softmax.js'
import { sameShape } from '../tensor/shape.js'
import { rewrite } from './rewrite.js'

/**
 * Replaces each `crossAttention` by the form with fewer multiply-adds: its decomposition, or one in which the shorter
 * sequence absorbs the projections of the longer one. A score q·(Kx) is (qK)·x: with few queries, it takes less work to
 * multiply each query by K, per head, than to project the long sequence to keys and values. Multi-head latent
 * attention (DeepSeek-V2) absorbs its projections in the same way.
 *
 * `names` are the inputs that stay the same over many runs. What depends only on them and on params is computed once
 * (`stage`), so its projections count as free. Run this pass before `stage`, with the same names.
 */
export function absorbProjections(g: Graph, names: readonly string[] = []): Graph {
  const varying = new Set<Value>()
  const varies = (value: Value): boolean => varying.has(value)
  return rewrite(g, value => {
    const result = value.composite === crossAttentionComposite ? cheapest(value, varies) : value
    const fed = value.op === 'input' && !names.includes(nameOf(value)!)
    if (fed || value.inputs.some(varies)) varying.add(result)
    return result
  })
}

type Varies = (value: Value) => boolean

function cheapest(node: Value, varies: Varies): Value {
  const parts = crossAttentionParts(node)
  const [queries, keys] = [parts.q.shape[1], parts.k.shape[1]]
  return (
    (queries < keys ? absorbedByQueries(parts, varies) : keys < queries ? absorbedByKeys(parts, varies) : undefined) ??
    crossAttentionComposite.decompose(node.inputs, node.attrs)
  )
}

/**
 * Few queries: a key is K(x + p) + b, where p does not vary, so a score is (qK)·x + q·(Kp + b), and Kp + b is computed
 * once. Attention sums to 1, so Σ a(Vx + b) is V(Σ ax) + b. Undefined if that is more work.
 */
function absorbedByQueries(parts: CrossAttentionParts, varies: Varies): Value | undefined {
  const { q, k, v, heads, mask, projections } = parts
  const [[kWeight, kBias], [vWeight, vBias], [outWeight, outBias]] = [projections.k, projections.v, projections.out]
  const sizes = sizesOf(parts, q)
  if (!absorbs(sizes, (timesProjected(k, varies) + timesProjected(v, varies)) / 2)) return undefined

  const { x, p } = splitSum(k, varies)
  const queries = separateHeads(linear(q, ...projections.q), heads) // [B, heads, Nq, d]
  const absorbed = matmul(queries, byHead(mul(kWeight, sizes.scale), heads)) // [B, heads, Nq, C]
  let scores = matmul(rows(absorbed), swap(x)) // [B, heads·Nq, Nk]
  if (p) {
    const keys = separateHeads(mul(linear(p, kWeight, kBias), sizes.scale), heads)
    scores = add(scores, rows(matmul(queries, swap(keys))))
  } // else q·b is the same for all keys, and softmax is invariant to it
  if (mask) scores = add(scores, reshape(mask, [mask.shape[0], 1, -1]))

  const mixed = matmul(softmax(scores), v) // [B, heads·Nq, C]
  const values = matmul(reshape(mixed, [mixed.shape[0], heads, sizes.count, -1]), swap(byHead(vWeight, heads)))
  return linear(recombineHeads(values), outWeight, linear(vBias, outWeight, outBias))
}

/**
 * Few keys: a score (Qx + b)·k is (kQ)·x + b·k, and attention sums to 1, so O(Σ av) + b is Σ a(Ov + b). The projection
 * of queries stays if it is free or less work. Undefined if absorbing the output projection is more work.
 */
function absorbedByKeys(parts: CrossAttentionParts, varies: Varies): Value | undefined {
  const { q, k, v, heads, mask, projections } = parts
  const [[qWeight, qBias], [outWeight, outBias]] = [projections.q, projections.out]
  const sizes = sizesOf(parts, k)
  const { count, scale } = sizes
  if (!absorbs(sizes, sizes.batch)) return undefined

  const keys = separateHeads(linear(k, ...projections.k), heads) // [B, heads, Nk, d]
  const values = separateHeads(linear(v, ...projections.v), heads)
  let scores: Value // [B, Nq, heads·Nk]
  let bias = mask && broadcastTo(mask, [mask.shape[0], 1, heads, count])
  if (absorbs(sizes, timesProjected(q, varies))) {
    const absorbed = (weight: Value): Value => matmul(keys, byHead(mul(weight, scale), heads)) // [B, heads, Nk, C or 1]
    scores = matmul(q, swap(rows(absorbed(qWeight))))
    const ofBias = reshape(absorbed(qBias), [keys.shape[0], 1, heads, count])
    bias = bias ? add(bias, ofBias) : ofBias
  } else {
    const queries = separateHeads(mul(linear(q, qWeight, qBias), scale), heads)
    scores = recombineHeads(matmul(queries, swap(keys)))
  }
  if (bias) scores = add(scores, reshape(bias, [bias.shape[0], 1, heads * count]))

  const attended = softmax(reshape(scores, [...scores.shape.slice(0, 2), heads, count]))
  const share = div(outBias, heads) // each head's attention sums to 1
  const outputs = add(matmul(values, byHead(swap(outWeight), heads)), share) // [B, heads, Nk, C]
  return matmul(reshape(attended, scores.shape), rows(outputs))
}

interface Sizes {
  /** Batch size and length of the shorter sequence. */
  readonly batch: number
  readonly count: number
  readonly heads: number
  /** C. */
  readonly width: number
  /** heads·d. */
  readonly inner: number
  /** Scale of the scores, 1/√d. */
  readonly scale: number
}

function sizesOf({ heads, projections: { q } }: CrossAttentionParts, shorter: Value): Sizes {
  const [batch, count, width] = shorter.shape as [number, number, number]
  const inner = q[0].shape[0]
  return { batch, count, heads, width, inner, scale: (inner / heads) ** -0.5 }
}

/**
 * Whether absorbing is less work, in multiply-adds for each position of the longer sequence: (tW)·x for each head and
 * position t of the shorter one, against `projections` times Wx, and t·(Wx).
 */
const absorbs = ({ batch, count, heads, width, inner }: Sizes, projections: number): boolean =>
  batch * heads * count * width < projections * width * inner + batch * count * inner

/** How often each position of the longer sequence is projected in a run. */
const timesProjected = (x: Value, varies: Varies): number => (varies(x) ? x.shape[0] : 0)

/** A sum as x, which varies, and p, which does not; p is undefined for anything else. */
function splitSum(sum: Value, varies: Varies): { x: Value; p: Value | undefined } {
  const [a, b] = sum.op === 'add' ? sum.inputs : []
  if (!a || !b || varies(a) === varies(b)) return { x: sum, p: undefined }
  const [x, p] = varies(a) ? [a, b] : [b, a]
  const repeated = p.op === 'broadcast' && sameShape(p.inputs[0].shape.slice(1), p.shape.slice(1))
  return { x, p: repeated ? p.inputs[0] : p }
}

/** A layer's weight or bias head by head: [heads·d, n] or [heads·d] → [heads, d, n]. */
const byHead = (weight: Value, heads: number): Value => reshape(weight, [heads, weight.shape[0] / heads, -1])

/** [B, heads, N, n] → [B, heads·N, n]. */
const rows = (x: Value): Value => reshape(x, [x.shape[0], -1, x.shape[3]])
