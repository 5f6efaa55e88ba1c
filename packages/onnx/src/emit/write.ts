import { f32, type Shape } from '@sam/core/graph'
import type { Builder } from '../builder.js'

export const reshape = (to: Builder, x: string, shape: Shape): string =>
  to.node('Reshape', [x, to.ints(shape)], shape.includes(0) ? { allowzero: 1 } : {})

export const transpose = (to: Builder, x: string, perm: readonly number[]): string =>
  to.node('Transpose', [x], { perm })

export const expand = (to: Builder, x: string, shape: Shape): string => to.node('Expand', [x, to.ints(shape)])

/** GELU, exact or approximated with tanh. Operator sets before 20 have no node for it. */
export function gelu(to: Builder, x: string): string {
  if (to.opset >= 20) return to.node('Gelu', [x], to.geluApproximate ? { approximate: 'tanh' } : {})
  const number = (value: number): string => to.constant(f32([], [value]))
  const mul = (...[a, b]: [string, string]): string => to.node('Mul', [a, b])
  const add = (...[a, b]: [string, string]): string => to.node('Add', [a, b])
  const curve = to.geluApproximate
    ? to.node('Tanh', [mul(number(Math.sqrt(2 / Math.PI)), add(x, mul(number(0.044715), mul(x, mul(x, x)))))])
    : to.node('Erf', [mul(x, number(Math.SQRT1_2))])
  return mul(mul(x, add(curve, number(1))), number(0.5))
}
