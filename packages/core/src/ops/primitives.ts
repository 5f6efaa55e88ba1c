import type { DType } from '../tensor/dtype.js'
import type { Shape } from '../tensor/shape.js'

/**
 * The primitives: 28 operations, each with one output, static shapes, not in place. Broadcasting is a separate
 * operation, so elementwise primitives have operands of equal shape. Movements come in adjoint pairs (broadcast ⇄
 * reduceSum, slice ⇄ pad, gather ⇄ scatterAdd, reshape and transpose with themselves), so gradients need no other
 * operations.
 *
 * Maps each name to its attributes.
 */
export interface Primitives {
  neg: NoAttrs
  exp: NoAttrs
  log: NoAttrs
  sqrt: NoAttrs
  sin: NoAttrs
  cos: NoAttrs
  /** The Gauss error function. */
  erf: NoAttrs
  cast: { readonly dtype: DType }

  add: NoAttrs
  sub: NoAttrs
  mul: NoAttrs
  div: NoAttrs
  /** The larger operand. The gradient of a tie goes to the first, so relu = max(0, x) has slope 0 at 0. */
  max: NoAttrs

  /** a < b, as bool. */
  less: NoAttrs
  equal: NoAttrs
  /** condition ? a : b, element by element. */
  where: NoAttrs

  /** Sum over axes, which stay as size 1. */
  reduceSum: { readonly axes: readonly number[] }
  reduceMax: { readonly axes: readonly number[] }

  /** [..., m, k] × [..., k, n], equal batch axes. The only contraction. */
  matmul: NoAttrs

  reshape: { readonly shape: Shape }
  /** Output axis i is input axis perm[i]. */
  transpose: { readonly perm: readonly number[] }
  /** Same rank; axes of size 1 are repeated. */
  broadcast: { readonly shape: Shape }
  /** Elements start … start+shape−1 of each axis. */
  slice: { readonly start: readonly number[]; readonly shape: Shape }
  /** Constant border. */
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number }
  concat: { readonly axis: number }
  /** Rows of x along an axis, selected by a 1-D i32 index. */
  gather: { readonly axis: number }
  /**
   * A zero tensor with `size` rows along an axis, to which the updates are added at a 1-D i32 index: gather's adjoint.
   */
  scatterAdd: { readonly axis: number; readonly size: number }

  /** The identity, with gradient zero. */
  stopGradient: NoAttrs
}

export type NoAttrs = Readonly<Record<never, never>>
export type Primitive = keyof Primitives

/** Properties of operations, for passes to use instead of names. */
export type Trait = 'unary' | 'binary' | 'select' | 'reduce' | 'contract' | 'move' | 'marker'

export const traits: { readonly [P in Primitive]: Trait } = {
  neg: 'unary',
  exp: 'unary',
  log: 'unary',
  sqrt: 'unary',
  sin: 'unary',
  cos: 'unary',
  erf: 'unary',
  cast: 'unary',
  add: 'binary',
  sub: 'binary',
  mul: 'binary',
  div: 'binary',
  max: 'binary',
  less: 'select',
  equal: 'select',
  where: 'select',
  reduceSum: 'reduce',
  reduceMax: 'reduce',
  matmul: 'contract',
  reshape: 'move',
  transpose: 'move',
  broadcast: 'move',
  slice: 'move',
  pad: 'move',
  concat: 'move',
  gather: 'move',
  scatterAdd: 'move',
  stopGradient: 'marker'
}

export const isPrimitive = (op: string): op is Primitive => op in traits
