import { sizeOf, stridesOf } from '../tensor/shape.js'
import type { Kernel } from './exact.js'
import { coordinates } from './move.js'

/** Reduces over axes: folds each element into the output element with the same coordinates on the other axes. */
export const reduce =
  (start: number, fold: (a: number, b: number) => number): Kernel =>
  ([x], y) => {
    const out = new Float64Array(sizeOf(y.shape)).fill(start)
    const strides = stridesOf(y.shape).map((s, i) => (y.shape[i] === 1 ? 0 : s))
    coordinates(x.shape, (at, from) => {
      let to = 0
      for (let i = 0; i < at.length; i++) to += at[i] * strides[i]
      out[to] = fold(out[to], x.data[from])
    })
    return out
  }
