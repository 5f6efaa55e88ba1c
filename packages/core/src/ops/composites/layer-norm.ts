import type { Composite, Value } from '../../ir/value.js'
import { normalizeAxis } from '../../tensor/shape.js'
import { add, compose, div, mul, reshape, sqrt, sub } from '../build.js'
import { mean, square, sum } from '../sugar.js'

export const layerNormComposite: Composite = {
  name: 'layerNorm',
  decompose([x, weight, bias], { axis, eps }) {
    const { normal, along } = normalize(x, axis as number, eps as number)
    return add(mul(normal, reshape(weight, along)), reshape(bias, along))
  },
  vjp(g, { inputs: [x, weight], attrs: { axis, eps } }) {
    const { normal, deviation, along } = normalize(x, axis as number, eps as number)
    const scaled = mul(g, reshape(weight, along))
    // The components of the gradient along the mean and the variance are removed: the norm is invariant to both.
    const [level, spread] = [mean(scaled, [axis as number]), mul(normal, mean(mul(scaled, normal), [axis as number]))]
    const others = [...x.shape.keys()].filter(i => i !== axis)
    return [div(sub(sub(scaled, level), spread), deviation), sum(mul(g, normal), others), sum(g, others)]
  }
}

/** x with mean 0 and variance 1 along the axis, the divisor, and the shape of a vector along the axis. */
function normalize(x: Value, axis: number, eps: number): { normal: Value; deviation: Value; along: number[] } {
  const centred = sub(x, mean(x, [axis]))
  const deviation = sqrt(add(mean(square(centred), [axis]), eps))
  return { normal: div(centred, deviation), deviation, along: x.shape.map((d, i) => (i === axis ? d : 1)) }
}

export interface LayerNormAttrs {
  /** The normalised axis; −1 for tokens, 1 for [B,C,H,W]. */
  readonly axis?: number
  /**
   * Added to the variance, inside the root. 1e-6 in SAM's encoder and its 2-D norms, 1e-5 in the two-way transformer.
   */
  readonly eps: number
}

/** (x − mean) / √(variance + eps) · weight + bias along one axis. */
export const layerNorm = (
  x: Value,
  [weight, bias]: readonly [Value, Value],
  { axis = -1, eps }: LayerNormAttrs
): Value =>
  compose(layerNormComposite, [x, weight, bias], { axis: normalizeAxis(axis, x.shape.length, 'layerNorm'), eps })
