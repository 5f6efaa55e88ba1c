import type { Kernel } from './exact.js'
import { f16ToNumber, numberToF16 } from '../tensor/half.js'
import type { DType } from '../tensor/dtype.js'

export const unary =
  (f: (x: number) => number): Kernel =>
  ([x]) =>
    x.data.map(f)

export const binary =
  (f: (a: number, b: number) => number): Kernel =>
  ([a, b]) =>
    a.data.map((x, i) => f(x, b.data[i]))

export const select: Kernel = ([condition, a, b]) => a.data.map((x, i) => (condition.data[i] ? x : b.data[i]))

/**
 * Casts to integers truncate towards zero, bool is "not zero", f16 rounds; f32 stays in double precision: the reference
 * evaluator does not round.
 */
export const cast: Kernel = ([x], y) => {
  const to: { [D in DType]: (v: number) => number } = {
    f32: v => v,
    f16: v => f16ToNumber(numberToF16(v)),
    i32: Math.trunc,
    bool: v => (v ? 1 : 0)
  }
  return x.data.map(to[y.dtype])
}
