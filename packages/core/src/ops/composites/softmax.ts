import type { Composite, Value } from '../../ir/value.js'
import { normalizeAxis } from '../../tensor/shape.js'
import { compose, div, exp, mul, reduceMax, reduceSum, sub } from '../build.js'

export const softmaxComposite: Composite = {
  name: 'softmax',
  decompose([x], { axis }) {
    const e = exp(sub(x, reduceMax(x, [axis as number])))
    return div(e, reduceSum(e, [axis as number]))
  },
  vjp: (g, y) => [mul(y, sub(g, reduceSum(mul(g, y), [y.attrs.axis as number])))]
}

/** exp(x) / Σ exp(x) along one axis, shifted by the maximum to avoid overflow. */
export const softmax = (x: Value, axis = -1): Value =>
  compose(softmaxComposite, [x], { axis: normalizeAxis(axis, x.shape.length, 'softmax') })
