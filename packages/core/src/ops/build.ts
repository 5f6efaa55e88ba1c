import { GraphError } from '../errors.js'
import { constant, describe, freeze, type Attrs, type Composite, type Value } from '../ir/value.js'
import type { DType } from '../tensor/dtype.js'
import { broadcastShapes, normalizeAxis, sameShape, type Shape } from '../tensor/shape.js'
import { numberToF16 } from '../tensor/half.js'
import { tensor } from '../tensor/tensor.js'
import { infer } from './infer.js'
import type { Primitive, Primitives } from './primitives.js'

/** A primitive node: checked by its rule, frozen. */
export function make<P extends Primitive>(op: P, inputs: readonly Value[], attrs: Primitives[P]): Value {
  return freeze({ op, inputs, attrs: attrs, ...infer[op](inputs, attrs) })
}

/** A composite node. Its decomposition is built once, for shape and type, and discarded. */
export function compose(composite: Composite, inputs: readonly Value[], attrs: Attrs): Value {
  const { shape, dtype } = composite.decompose(inputs, attrs)
  return freeze({ op: composite.name, inputs, attrs, shape, dtype, composite })
}

/** The node with other inputs, as passes need it. Returns the same node if nothing changed. */
export function withInputs(value: Value, inputs: readonly Value[]): Value {
  if (inputs.every((v, i) => v === value.inputs[i])) return value
  if (value.composite) return compose(value.composite, inputs, value.attrs)
  return make(value.op as Primitive, inputs, value.attrs as never)
}

/** An operand of an elementwise operation: a value, or a number, which becomes a constant of the other's type. */
export type Operand = Value | number

/** A rank-0 constant. */
export const scalar = (value: number, dtype: DType = 'f32'): Value =>
  constant(tensor(dtype, [], [dtype === 'f16' ? numberToF16(value) : value]))

/** A tensor of one repeated value: a scalar, broadcast. */
export const fill = (shape: Shape, value: number, dtype: DType = 'f32'): Value =>
  broadcastTo(scalar(value, dtype), shape)

export const neg = (x: Value): Value => make('neg', [x], {})
export const exp = (x: Value): Value => make('exp', [x], {})
export const log = (x: Value): Value => make('log', [x], {})
export const sqrt = (x: Value): Value => make('sqrt', [x], {})
export const sin = (x: Value): Value => make('sin', [x], {})
export const cos = (x: Value): Value => make('cos', [x], {})
export const erf = (x: Value): Value => make('erf', [x], {})
export const cast = (x: Value, dtype: DType): Value => (x.dtype === dtype ? x : make('cast', [x], { dtype }))
export const stopGradient = (x: Value): Value => make('stopGradient', [x], {})

export const add = (a: Operand, b: Operand): Value => make('add', agree('add', a, b), {})
export const sub = (a: Operand, b: Operand): Value => make('sub', agree('sub', a, b), {})
export const mul = (a: Operand, b: Operand): Value => make('mul', agree('mul', a, b), {})
export const div = (a: Operand, b: Operand): Value => make('div', agree('div', a, b), {})
export const max = (a: Operand, b: Operand): Value => make('max', agree('max', a, b), {})
export const less = (a: Operand, b: Operand): Value => make('less', agree('less', a, b), {})
export const equal = (a: Operand, b: Operand): Value => make('equal', agree('equal', a, b), {})

export function where(condition: Value, a: Operand, b: Operand): Value {
  const [x, y] = agree('where', a, b)
  const shape = common('where', condition, x)
  return make('where', [broadcastTo(condition, shape), broadcastTo(x, shape), broadcastTo(y, shape)], {})
}

/** Sum over axes (negative count from the end); they stay as size 1. */
export const reduceSum = (x: Value, axes: readonly number[]): Value =>
  make('reduceSum', [x], { axes: sortedAxes('reduceSum', x, axes) })
/** Maximum over axes (negative count from the end); they stay as size 1. */
export const reduceMax = (x: Value, axes: readonly number[]): Value =>
  make('reduceMax', [x], { axes: sortedAxes('reduceMax', x, axes) })

/** [..., m, k] × [..., k, n]; batch axes broadcast. */
export function matmul(a: Value, b: Value): Value {
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))
  if (!batch) throw new GraphError(`matmul: batch axes must broadcast, found ${describe(a)} and ${describe(b)}`)
  return make(
    'matmul',
    [broadcastTo(a, [...batch, ...a.shape.slice(-2)]), broadcastTo(b, [...batch, ...b.shape.slice(-2)])],
    {}
  )
}

/** One axis may be −1 and is inferred. */
export function reshape(x: Value, shape: Shape): Value {
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1)
  const total = x.shape.reduce((n, d) => n * d, 1)
  const full = shape.map(d => (d === -1 ? total / known : d))
  return sameShape(full, x.shape) ? x : make('reshape', [x], { shape: full })
}

export function transpose(x: Value, perm: readonly number[]): Value {
  return perm.every((p, i) => p === i) && perm.length === x.shape.length ? x : make('transpose', [x], { perm })
}

/** Swaps the last two axes. */
export const swap = (x: Value): Value =>
  transpose(x, [...x.shape.slice(0, -2).keys(), x.shape.length - 1, x.shape.length - 2])

/** Repeats a value to a shape by NumPy's rule; missing leading axes are added. */
export function broadcastTo(x: Value, shape: Shape): Value {
  const raised = reshape(x, [...new Array<number>(Math.max(0, shape.length - x.shape.length)).fill(1), ...x.shape])
  return sameShape(raised.shape, shape) ? raised : make('broadcast', [raised], { shape })
}

/** `size` elements from `start` along one axis. */
export function slice(x: Value, axis: number, { start, size }: { start: number; size: number }): Value {
  const at = normalizeAxis(axis, x.shape.length, 'slice')
  if (start === 0 && size === x.shape[at]) return x
  return make('slice', [x], {
    start: x.shape.map((_, i) => (i === at ? start : 0)),
    shape: x.shape.map((d, i) => (i === at ? size : d))
  })
}

/** A constant border, `before` and `after` elements per axis. */
export function pad(
  x: Value,
  { before, after, value = 0 }: { before: readonly number[]; after: readonly number[]; value?: number }
): Value {
  return [...before, ...after].every(n => n === 0) ? x : make('pad', [x], { before, after, value })
}

export function concat(values: readonly Value[], axis: number): Value {
  return values.length === 1
    ? values[0]
    : make('concat', values, { axis: normalizeAxis(axis, values[0]?.shape.length ?? 0, 'concat') })
}

/** Rows of x along an axis, by a 1-D i32 index. An index out of bounds is undefined behaviour, as in every runtime. */
export const gather = (x: Value, index: Value, axis: number): Value =>
  make('gather', [x, index], { axis: normalizeAxis(axis, x.shape.length, 'gather') })

/** Zeros with `size` rows along an axis, plus the updates at a 1-D i32 index; repeated indices add up. */
export const scatterAdd = (updates: Value, index: Value, { axis, size }: { axis: number; size: number }): Value =>
  make('scatterAdd', [updates, index], { axis: normalizeAxis(axis, updates.shape.length, 'scatterAdd'), size })

/** A 1-D i32 constant, for gather. */
export const indices = (values: ArrayLike<number>): Value => constant(tensor('i32', [values.length], values))

function agree(op: string, a: Operand, b: Operand): [Value, Value] {
  const x = typeof a === 'number' ? scalar(a, typeof b === 'number' ? 'f32' : b.dtype) : a
  const y = typeof b === 'number' ? scalar(b, x.dtype) : b
  const shape = common(op, x, y)
  return [broadcastTo(x, shape), broadcastTo(y, shape)]
}

function common(op: string, a: Value, b: Value): Shape {
  const shape = broadcastShapes(a.shape, b.shape)
  if (!shape) throw new GraphError(`${op}: shapes must broadcast, found ${describe(a)} and ${describe(b)}`)
  return shape
}

const sortedAxes = (op: string, x: Value, axes: readonly number[]): number[] =>
  axes.map(a => normalizeAxis(a, x.shape.length, op)).sort((i, j) => i - j)
