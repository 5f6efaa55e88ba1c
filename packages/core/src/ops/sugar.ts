import type { Value } from '../ir/value.js'
import type { Shape } from '../tensor/shape.js'
import { div, max, mul, neg, reduceSum, reshape, concat } from './build.js'

/** Convenience functions that expand to primitives. */

export const square = (x: Value): Value => mul(x, x)
export const abs = (x: Value): Value => max(x, neg(x))
export const min = (a: Value, b: Value): Value => neg(max(neg(a), neg(b)))

/** Mean over axes; they stay as size 1. */
export const mean = (x: Value, axes: readonly number[]): Value =>
  div(
    reduceSum(x, axes),
    axes.reduce((n, a) => n * x.shape.at(a)!, 1)
  )

/** Sum over axes; they are removed. */
export function sum(x: Value, axes: readonly number[]): Value {
  const kept = reduceSum(x, axes)
  const dropped = new Set(axes.map(a => (a < 0 ? a + x.shape.length : a)))
  return reshape(
    kept,
    kept.shape.filter((_, i) => !dropped.has(i))
  )
}

/** Sum down to a shape that broadcasts to x's: the adjoint of `broadcastTo`. */
export function sumTo(x: Value, shape: Shape): Value {
  const missing = x.shape.length - shape.length
  const repeated = [...x.shape.keys()].filter(i => i < missing || (shape[i - missing] === 1 && x.shape[i] !== 1))
  return reshape(repeated.length ? reduceSum(x, repeated) : x, shape)
}

/** Stacks values of equal shape along a new axis. */
export const stack = (values: readonly Value[], axis = 0): Value =>
  concat(
    values.map(v => reshape(v, [...v.shape.slice(0, axis), 1, ...v.shape.slice(axis)])),
    axis
  )
