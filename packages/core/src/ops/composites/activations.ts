import { compose, add, div, erf, exp, max, mul, neg } from '../build.js'
import type { Composite, Value } from '../../ir/value.js'

export const reluComposite: Composite = { name: 'relu', decompose: ([x]) => max(x!, 0) }
export const sigmoidComposite: Composite = { name: 'sigmoid', decompose: ([x]) => div(1, add(exp(neg(x!)), 1)) }
export const geluComposite: Composite = { name: 'gelu', decompose: ([x]) => mul(mul(x!, 0.5), add(erf(mul(x!, Math.SQRT1_2)), 1)) }

/** max(x, 0). */
export const relu = (x: Value): Value => compose(reluComposite, [x], {})
/** 1 / (1 + e^−x). */
export const sigmoid = (x: Value): Value => compose(sigmoidComposite, [x], {})
/** ½·x·(1 + erf(x/√2)): the exact form, as everywhere in SAM. */
export const gelu = (x: Value): Value => compose(geluComposite, [x], {})
