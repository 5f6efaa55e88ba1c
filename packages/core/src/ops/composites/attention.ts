import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { add, compose, matmul, mul, reshape, swap } from '../build.js'
import { softmax } from './softmax.js'

export const attentionComposite: Composite = {
  name: 'attention',
  decompose([q, k, v, ...biases], { scale }) {
    let scores = matmul(mul(q!, scale as number), swap(k!)) // [B, heads, Nq, Nk]
    if (biases.length === 1) scores = add(scores, biases[0]!)
    if (biases.length === 2) {
      const [relH, relW] = biases as [Value, Value]
      const [kh, kw] = [relH.shape.at(-1)!, relW.shape.at(-1)!]
      const lead = scores.shape.slice(0, -1)
      const grid = add(add(reshape(scores, [...lead, kh, kw]), reshape(relH, [...lead, kh, 1])), reshape(relW, [...lead, 1, kw]))
      scores = reshape(grid, [...lead, kh * kw])
    }
    return matmul(softmax(scores), v!)
  }
}

export interface AttentionOptions {
  /** Factor on q before the product; 1/√d unless told. */
  readonly scale?: number
  /** Added to the scores: any shape that broadcasts to [B, heads, Nq, Nk]. −∞ is written as −1e9. */
  readonly mask?: Value
  /** Decomposed relative positions, [B, heads, Nq, kh] and [B, heads, Nq, kw] with kh·kw = Nk, added row- and column-wise. */
  readonly relPos?: readonly [Value, Value]
}

/** Scaled dot-product attention: softmax(scale·q·kᵀ + bias)·v. q [B, heads, Nq, d], k and v [B, heads, Nk, d]; batch axes broadcast. */
export function attention([q, k, v]: readonly [Value, Value, Value], { scale = q.shape.at(-1)! ** -0.5, mask, relPos }: AttentionOptions = {}): Value {
  if (q.shape.length !== 4 || k.shape.length !== 4 || v.shape.length !== 4) {
    throw new GraphError(`attention: q, k, v must be [B, heads, N, d], found ${describe(q)}, ${describe(k)}, ${describe(v)}`)
  }
  if (mask && relPos) throw new GraphError('attention: takes a mask or relative positions, not both; add the mask to one of the tables')
  return compose(attentionComposite, [q, k, v, ...(mask ? [mask] : relPos ?? [])], { scale })
}
