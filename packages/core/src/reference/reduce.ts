import { sizeOf, stridesOf } from '../tensor/shape.js'
import type { Kernel } from './exact.js'
import { coordinates } from './move.js'

/** Folds every element into the place that keeps its coordinates on the axes that stay. */
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
