import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { add, compose, matmul, mul, reduceSum, reshape, sub, swap } from '../build.js'
import { sum, sumTo } from '../sugar.js'
import { softmax } from './softmax.js'

export const attentionComposite: Composite = {
  name: 'attention',
  decompose: (inputs, { scale }) => matmul(probabilities(inputs, scale as number), inputs[2]),
  // The probabilities are recomputed, not stored: a backend that fuses attention never has them. If it is decomposed,
  // the two computations become one.
  vjp(g, y) {
    const [q, k, v, ...biases] = y.inputs as [Value, Value, Value, ...Value[]]
    const scale = y.attrs.scale as number
    const p = probabilities(y.inputs, scale)
    const ofScores = mul(p, sub(matmul(g, swap(v)), reduceSum(mul(g, y), [-1]))) // softmax's own gradient: Σ p·dp is Σ y·g
    const [ofQ, ofK] = [mul(matmul(ofScores, k), scale), mul(matmul(swap(ofScores), q), scale)]
    return [sumTo(ofQ, q.shape), sumTo(ofK, k.shape), sumTo(matmul(swap(p), g), v.shape), ...ofBiases(ofScores, biases)]
  }
}

/** softmax(scale·q·kᵀ + bias), [B, heads, Nq, Nk]. */
function probabilities([q, k, , ...biases]: readonly Value[], scale: number): Value {
  const scores = matmul(mul(q, scale), swap(k))
  if (biases.length < 2) return softmax(biases.length ? add(scores, biases[0]) : scores)
  const [relH, relW] = biases as [Value, Value]
  const [kh, kw] = [relH.shape.at(-1)!, relW.shape.at(-1)!]
  const lead = scores.shape.slice(0, -1)
  const grid = add(
    add(reshape(scores, [...lead, kh, kw]), reshape(relH, [...lead, kh, 1])),
    reshape(relW, [...lead, 1, kw])
  )
  return softmax(reshape(grid, [...lead, kh * kw]))
}

function ofBiases(ofScores: Value, biases: readonly Value[]): Value[] {
  if (biases.length < 2) return biases.map(mask => sumTo(ofScores, mask.shape))
  const [relH, relW] = biases as [Value, Value]
  const grid = reshape(ofScores, [...ofScores.shape.slice(0, -1), relH.shape.at(-1)!, relW.shape.at(-1)!])
  return [sum(grid, [-1]), sum(grid, [-2])]
}

export interface AttentionOptions {
  /** Factor on q before the product. Default: 1/√d. */
  readonly scale?: number
  /** Added to the scores: any shape that broadcasts to [B, heads, Nq, Nk]. −∞ is written as −1e9. */
  readonly mask?: Value
  /**
   * Decomposed relative positions, [B, heads, Nq, kh] and [B, heads, Nq, kw] with kh·kw = Nk, added row- and
   * column-wise.
   */
  readonly relPos?: readonly [Value, Value]
}

/**
 * Scaled dot-product attention: softmax(scale·q·kᵀ + bias)·v. q [B, heads, Nq, d], k and v [B, heads, Nk, d]; batch
 * axes broadcast.
 */
export function attention(
  [q, k, v]: readonly [Value, Value, Value],
  { scale = q.shape.at(-1)! ** -0.5, mask, relPos }: AttentionOptions = {}
): Value {
  if (q.shape.length !== 4 || k.shape.length !== 4 || v.shape.length !== 4) {
    throw new GraphError(
      `attention: q, k, v must be [B, heads, N, d], found ${describe(q)}, ${describe(k)}, ${describe(v)}`
    )
  }
  if (mask && relPos)
    throw new GraphError(
      'attention: must have a mask or relative positions, found both; add the mask to one of the tables'
    )
  return compose(attentionComposite, [q, k, v, ...(mask ? [mask] : (relPos ?? []))], { scale })
}
