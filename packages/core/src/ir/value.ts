import type { DType } from '../tensor/dtype.js'
import { formatShape, type Shape } from '../tensor/shape.js'
import type { HostTensor } from '../tensor/tensor.js'

/** What an operation is told besides its inputs: plain data, so that a node prints and compares. */
export type Attr = number | string | boolean | readonly number[] | HostTensor
export type Attrs = Readonly<Record<string, Attr>>

/**
 * A node of a graph and the tensor it stands for: frozen plain data. A graph is nothing but values that point at the
 * values they are made from; identity is reference identity, and a pass makes new values.
 */
export interface Value {
  /** Name of a leaf (`input`, `param`, `constant`), of a primitive or of a composite. */
  readonly op: string
  readonly inputs: readonly Value[]
  readonly attrs: Attrs
  readonly shape: Shape
  readonly dtype: DType
  /** Present on a composite node: its definition, carried along so that no registry is needed. */
  readonly composite?: Composite
}

/**
 * An operation that *is* its decomposition. A backend may keep one whole and run a fused kernel; everyone else opens
 * it. A shape rule is not written: building the decomposition once gives shape and type.
 */
export interface Composite {
  readonly name: string
  /** The meaning, in primitives and other composites. */
  decompose(inputs: readonly Value[], attrs: Attrs): Value
  /** Cotangents of the inputs, where that beats differentiating the decomposition. `y` is the composite's own node. */
  readonly vjp?: (g: Value, y: Value) => readonly (Value | null)[]
}

/** A named tensor that each run is fed. */
export const input = (name: string, shape: Shape, dtype: DType = 'f32'): Value =>
  freeze({ op: 'input', inputs: [], attrs: { name }, shape, dtype })

/** A named tensor of the checkpoint; the name is Meta's. */
export const param = (name: string, shape: Shape): Value =>
  freeze({ op: 'param', inputs: [], attrs: { name }, shape, dtype: 'f32' })

/** A tensor known when the graph is built. */
export const constant = (tensor: HostTensor): Value =>
  freeze({ op: 'constant', inputs: [], attrs: { tensor }, shape: tensor.shape, dtype: tensor.dtype })

/** Freezes a node; attributes and shape included. */
export function freeze(value: Value): Value {
  Object.freeze(value.inputs)
  Object.freeze(value.attrs)
  Object.freeze(value.shape)
  return Object.freeze(value)
}

/** Name of an input or a param; undefined for anything else. */
export const nameOf = (value: Value): string | undefined =>
  value.op === 'input' || value.op === 'param' ? (value.attrs.name as string) : undefined

/** A value as an error names it: type, shape, and the checkpoint's name where it has one. */
export function describe(value: Value): string {
  const name = nameOf(value)
  return `${value.dtype}${formatShape(value.shape)}${name === undefined ? ` (${value.op})` : ` (${name})`}`
}
