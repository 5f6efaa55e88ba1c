import { sizeOf, stridesOf, type Shape } from '../tensor/shape.js'
import type { Kernel } from './exact.js'

/** Visits every coordinate of a shape in row-major order, with its flat index. */
export function coordinates(shape: Shape, visit: (at: readonly number[], flat: number) => void): void {
  const at = new Array<number>(shape.length).fill(0)
  const total = sizeOf(shape)
  for (let flat = 0; flat < total; flat++) {
    visit(at, flat)
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0
  }
}

/**
 * A copy whose element at `at` is the source's element at offset + Σ at·stride: implements transpose, broadcast and
 * slice.
 */
function strided(
  source: Float64Array,
  shape: Shape,
  { strides, offset = 0 }: { strides: readonly number[]; offset?: number }
): Float64Array {
  const out = new Float64Array(sizeOf(shape))
  coordinates(shape, (at, flat) => {
    let from = offset
    for (let i = 0; i < at.length; i++) from += at[i] * strides[i]
    out[flat] = source[from]!
  })
  return out
}

export const transpose: Kernel = ([x], y) => {
  const strides = stridesOf(x.shape)
  return strided(x.data, y.shape, { strides: (y.attrs.perm as readonly number[]).map(p => strides[p]) })
}

export const broadcast: Kernel = ([x], y) =>
  strided(x.data, y.shape, { strides: stridesOf(x.shape).map((s, i) => (x.shape[i] === 1 ? 0 : s)) })

export const slice: Kernel = ([x], y) => {
  const strides = stridesOf(x.shape)
  return strided(x.data, y.shape, {
    strides,
    offset: (y.attrs.start as readonly number[]).reduce((n, s, i) => n + s * strides[i], 0)
  })
}

export const pad: Kernel = ([x], y) => {
  const out = new Float64Array(sizeOf(y.shape)).fill(y.attrs.value as number)
  place(out, x.data, { shape: x.shape, into: y.shape, at: y.attrs.before as readonly number[] })
  return out
}

export const concat: Kernel = (inputs, y) => {
  const out = new Float64Array(sizeOf(y.shape))
  const axis = y.attrs.axis as number
  let start = 0
  for (const x of inputs) {
    place(out, x.data, { shape: x.shape, into: y.shape, at: y.shape.map((_, i) => (i === axis ? start : 0)) })
    start += x.shape[axis]
  }
  return out
}

function place(
  out: Float64Array,
  data: Float64Array,
  { shape, into, at }: { shape: Shape; into: Shape; at: readonly number[] }
): void {
  const strides = stridesOf(into)
  coordinates(shape, (c, flat) => {
    let to = 0
    for (let i = 0; i < c.length; i++) to += (c[i] + at[i]) * strides[i]
    out[to] = data[flat]!
  })
}

export const gather: Kernel = ([x, index], y) => {
  const axis = y.attrs.axis as number
  const strides = stridesOf(x.shape)
  const out = new Float64Array(sizeOf(y.shape))
  coordinates(y.shape, (at, flat) => {
    let from = 0
    for (let i = 0; i < at.length; i++) from += (i === axis ? index.data[at[i]] : at[i]) * strides[i]
    out[flat] = x.data[from]!
  })
  return out
}

export const scatterAdd: Kernel = ([updates, index], y) => {
  const axis = y.attrs.axis as number
  const strides = stridesOf(y.shape)
  const out = new Float64Array(sizeOf(y.shape))
  coordinates(updates.shape, (at, flat) => {
    let to = 0
    for (let i = 0; i < at.length; i++) to += (i === axis ? index.data[at[i]] : at[i]) * strides[i]
    out[to] += updates.data[flat]
  })
  return out
}
