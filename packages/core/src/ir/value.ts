import type { DType } from '../tensor/dtype.js'
import { formatShape, type Shape } from '../tensor/shape.js'
import type { HostTensor } from '../tensor/tensor.js'

/** An attribute of an operation: plain data, so that nodes can be printed and compared. */
export type Attr = number | string | boolean | readonly number[] | HostTensor
export type Attrs = Readonly<Record<string, Attr>>

/**
 * A node of a graph and the tensor it represents: frozen plain data. A graph consists of values that reference their
 * operands. Identity is reference identity; passes create new values.
 */
export interface Value {
  /** Name of a leaf (`input`, `param`, `constant`), of a primitive or of a composite. */
  readonly op: string
  readonly inputs: readonly Value[]
  readonly attrs: Attrs
  readonly shape: Shape
  readonly dtype: DType
  /** The definition of a composite node, stored in the node so that no registry is needed. */
  readonly composite?: Composite
}

/**
 * An operation that *is* its decomposition. A backend may keep it and run a fused kernel; otherwise it is decomposed.
 * It needs no shape rule: building the decomposition once gives shape and type.
 */
export interface Composite {
  readonly name: string
  /** The meaning, in primitives and other composites. */
  decompose(inputs: readonly Value[], attrs: Attrs): Value
  /** Cotangents of the inputs, if better than differentiating the decomposition. `y` is the composite's own node. */
  readonly vjp?: (g: Value, y: Value) => readonly (Value | null)[]
}

/** A named tensor fed to each run. */
export const input = (name: string, shape: Shape, dtype: DType = 'f32'): Value =>
  freeze({ op: 'input', inputs: [], attrs: { name }, shape, dtype })

/** A named tensor of the checkpoint; the name is Meta's. */
export const param = (name: string, shape: Shape): Value =>
  freeze({ op: 'param', inputs: [], attrs: { name }, shape, dtype: 'f32' })

/** A tensor whose values are known when the graph is built. */
export const constant = (tensor: HostTensor): Value =>
  freeze({ op: 'constant', inputs: [], attrs: { tensor }, shape: tensor.shape, dtype: tensor.dtype })

/** Freezes a node, including its attributes and shape. */
export function freeze(value: Value): Value {
  Object.freeze(value.inputs)
  Object.freeze(value.attrs)
  Object.freeze(value.shape)
  return Object.freeze(value)
}

/** Name of an input or a param; undefined for anything else. */
export const nameOf = (value: Value): string | undefined =>
  value.op === 'input' || value.op === 'param' ? (value.attrs.name as string) : undefined

/** Describes a value in messages: type, shape, and its name, or else its operation. */
export function describe(value: Value): string {
  const name = nameOf(value)
  return `${value.dtype}${formatShape(value.shape)}${name === undefined ? ` (${value.op})` : ` (${name})`}`
}
