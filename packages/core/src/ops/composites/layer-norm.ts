import type { Composite, Value } from '../../ir/value.js'
import { normalizeAxis } from '../../tensor/shape.js'
import { add, compose, div, mul, reshape, sqrt, sub } from '../build.js'
import { mean, square } from '../sugar.js'

export const layerNormComposite: Composite = {
  name: 'layerNorm',
  decompose([x, weight, bias], { axis, eps }) {
    const centred = sub(x!, mean(x!, [axis as number]))
    const variance = mean(square(centred), [axis as number])
    const along = x!.shape.map((d, i) => i === axis ? d : 1)
    return add(mul(div(centred, sqrt(add(variance, eps as number))), reshape(weight!, along)), reshape(bias!, along))
  }
}

export interface LayerNormAttrs {
  /** The normalised axis; −1 for tokens, 1 for [B,C,H,W]. */
  readonly axis?: number
  /** Added to the variance, inside the root. 1e-6 in SAM's encoder and its 2-D norms, 1e-5 in the two-way transformer. */
  readonly eps: number
}

/** (x − mean) / √(variance + eps) · weight + bias along one axis. */
export const layerNorm = (x: Value, [weight, bias]: readonly [Value, Value], { axis = -1, eps }: LayerNormAttrs): Value =>
  compose(layerNormComposite, [x, weight, bias], { axis: normalizeAxis(axis, x.shape.length, 'layerNorm'), eps })
