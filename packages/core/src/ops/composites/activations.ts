import { compose, add, div, erf, exp, less, max, mul, neg, sub, where } from '../build.js'
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

export const geluComposite: Composite = {
  name: 'gelu',
  decompose: ([x]) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
  // Φ(x) + x·φ(x): the normal distribution's integral and density.
  vjp(g, { inputs: [x] }) {
    const integral = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5)
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
    return [mul(g, add(integral, mul(x, density)))]
  }
}

/** max(0, x); its slope at 0 is 0. */
export const relu = (x: Value): Value => compose(reluComposite, [x], {})
/** 1 / (1 + e^−x). */
export const sigmoid = (x: Value): Value => compose(sigmoidComposite, [x], {})
/** ½·x·(1 + erf(x/√2)): the exact form, as everywhere in SAM. */
export const gelu = (x: Value): Value => compose(geluComposite, [x], {})
