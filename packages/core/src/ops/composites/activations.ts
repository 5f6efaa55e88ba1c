import { compose, add, div, erf, exp, less, log, max, mul, neg, sub, where } from '../build.js'
import { square } from '../sugar.js'
import type { Composite, Value } from '../../ir/value.js'

export const reluComposite: Composite = {
  name: 'relu',
  decompose: ([x]) => max(0, x),
  vjp: (g, { inputs: [x] }) => [where(less(0, x), g, 0)]
}

export const sigmoidComposite: Composite = {
  name: 'sigmoid',
  decompose: ([x]) => div(1, add(exp(neg(x)), 1)),
  vjp: (g, y) => [mul(g, mul(y, sub(1, y)))]
}

export const softplusComposite: Composite = {
  name: 'softplus',
  decompose([x]) {
    const high = max(x, 0)
    return add(high, log(add(exp(sub(sub(x, high), high)), 1))) // −|x| is min(x, 0) − max(x, 0)
  },
  vjp: (g, { inputs: [x] }) => [mul(g, sigmoid(x))]
}

export const geluComposite: Composite = {
  name: 'gelu',
  decompose: ([x]) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
  // Φ(x) + x·φ(x), the normal distribution's CDF and density; with t = x/√2: ½ + ½·erf(t) + t·e^(−t²)/√π. The last
  // factor is in the exponent, which saves an operation.
  vjp(g, { inputs: [x] }) {
    const t = mul(x, Math.SQRT1_2)
    const integral = add(mul(erf(t), 0.5), 0.5)
    const spread = mul(t, exp(sub(-0.5 * Math.log(Math.PI), square(t))))
    return [mul(g, add(integral, spread))]
  }
}

/** max(0, x); its slope at 0 is 0. */
export const relu = (x: Value): Value => compose(reluComposite, [x], {})
/** 1 / (1 + e^−x). */
export const sigmoid = (x: Value): Value => compose(sigmoidComposite, [x], {})
/** log(1 + e^x), without overflow: a smooth relu, whose slope is the sigmoid. */
export const softplus = (x: Value): Value => compose(softplusComposite, [x], {})
/** ½·x·(1 + erf(x/√2)): the exact form, as everywhere in SAM. */
export const gelu = (x: Value): Value => compose(geluComposite, [x], {})
