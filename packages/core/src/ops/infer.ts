import { GraphError } from '../errors.js'
import { describe, type Value } from '../ir/value.js'
import type { DType } from '../tensor/dtype.js'
import { sameShape, sizeOf, type Shape } from '../tensor/shape.js'
import type { Primitive, Primitives } from './primitives.js'

/** Shape and type of a value. */
export interface Type {
  readonly shape: Shape
  readonly dtype: DType
}

type Rule<P extends Primitive> = (inputs: readonly Value[], attrs: Primitives[P]) => Type

/** The type rule of each primitive: checks the inputs and gives the output's type. Throws `GraphError` otherwise. */
export const infer: { readonly [P in Primitive]: Rule<P> } = {
  neg: unary('neg', 'number'),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  sin: unary('sin'),
  cos: unary('cos'),
  erf: unary('erf'),
  cast: ([x], { dtype }) => ({ shape: x.shape, dtype }),

  add: binary('add', 'number'),
  sub: binary('sub', 'number'),
  mul: binary('mul', 'number'),
  div: binary('div', 'float'),
  max: binary('max', 'number'),
  less: inputs => ({ ...binary('less', 'number')(inputs), dtype: 'bool' }),
  equal: inputs => ({ ...binary('equal')(inputs), dtype: 'bool' }),
  where: ([condition, a, b]) => {
    must(condition.dtype === 'bool', 'where: the condition must be bool', condition)
    must(sameShape(condition.shape, a.shape), 'where: condition and operands must have one shape', condition, a)
    return binary('where')([a, b])
  },

  reduceSum: reduce('reduceSum'),
  reduceMax: reduce('reduceMax'),

  matmul: ([a, b]) => {
    const m = a.shape
    const n = b.shape
    must(m.length >= 2 && m.length === n.length, 'matmul: operands must have one rank of at least 2', a, b)
    must(sameShape(m.slice(0, -2), n.slice(0, -2)), 'matmul: batch axes must be equal', a, b)
    must(m.at(-1) === n.at(-2), 'matmul: inner sizes must be equal; transpose one?', a, b)
    must(a.dtype === b.dtype && is('float', a), 'matmul: operands must be floats of one type', a, b)
    return { shape: [...m.slice(0, -1), n.at(-1)!], dtype: a.dtype }
  },

  reshape: ([x], { shape }) => {
    must(
      shape.every(isWhole) && sizeOf(shape) === sizeOf(x.shape),
      `reshape: [${shape}] must be whole sizes that hold as many elements`,
      x
    )
    return { shape, dtype: x.dtype }
  },
  transpose: ([x], { perm }) => {
    must(
      [...perm].sort((i, j) => i - j).every((p, i) => p === i) && perm.length === x.shape.length,
      `transpose: [${perm}] must be a permutation of the axes`,
      x
    )
    return { shape: perm.map(p => x.shape[p]), dtype: x.dtype }
  },
  broadcast: ([x], { shape }) => {
    must(
      shape.length === x.shape.length && shape.every(isWhole) && x.shape.every((d, i) => d === shape[i] || d === 1),
      `broadcast: only axes of size 1 can grow to [${shape}]`,
      x
    )
    return { shape, dtype: x.dtype }
  },
  slice: ([x], { start, shape }) => {
    must(
      start.length === x.shape.length &&
        shape.length === start.length &&
        [...start, ...shape].every(isWhole) &&
        start.every((s, i) => s + shape[i] <= x.shape[i]),
      `slice: start [${start}] and size [${shape}] must lie inside`,
      x
    )
    return { shape, dtype: x.dtype }
  },
  pad: ([x], { before, after }) => {
    must(
      before.length === x.shape.length && after.length === before.length && [...before, ...after].every(isWhole),
      `pad: [${before}] and [${after}] must be one whole number per axis`,
      x
    )
    return { shape: x.shape.map((d, i) => before[i] + d + after[i]), dtype: x.dtype }
  },
  concat: (inputs, { axis }) => {
    const [first] = inputs
    must(first !== undefined, 'concat: at least one operand must be given')
    must(axis >= 0 && axis < first.shape.length, `concat: axis ${axis} must be an axis`, first)
    for (const x of inputs) {
      must(
        x.dtype === first.dtype &&
          x.shape.length === first.shape.length &&
          x.shape.every((d, i) => i === axis || d === first.shape[i]),
        `concat: operands must agree except on axis ${axis}`,
        first,
        x
      )
    }
    return {
      shape: first.shape.map((d, i) => (i === axis ? inputs.reduce((n, x) => n + x.shape[axis], 0) : d)),
      dtype: first.dtype
    }
  },
  gather: ([x, index], { axis }) => {
    must(index.dtype === 'i32' && index.shape.length === 1, 'gather: the index must be one row of i32', index)
    must(axis >= 0 && axis < x.shape.length, `gather: axis ${axis} must be an axis`, x)
    return { shape: x.shape.map((d, i) => (i === axis ? index.shape[0] : d)), dtype: x.dtype }
  },
  scatterAdd: ([updates, index], { axis, size }) => {
    must(
      index.dtype === 'i32' && index.shape.length === 1 && index.shape[0] === updates.shape[axis],
      `scatterAdd: the index must be one row of i32, one for each row of axis ${axis}`,
      index,
      updates
    )
    must(is('number', updates), 'scatterAdd: the updates must be numbers', updates)
    must(isWhole(size), `scatterAdd: size ${size} must be a whole number`, updates)
    return { shape: updates.shape.map((d, i) => (i === axis ? size : d)), dtype: updates.dtype }
  },

  stopGradient: ([x]) => ({ shape: x.shape, dtype: x.dtype })
}

/**
 * Runtimes agree on float arithmetic, on sums, products and comparisons of integers, and on no arithmetic of booleans.
 */
type Kind = 'float' | 'number' | 'anything'

function is(kind: Kind, { dtype }: Value): boolean {
  return kind === 'anything' || (kind === 'number' ? dtype !== 'bool' : dtype === 'f32' || dtype === 'f16')
}

function unary(op: string, kind: Kind = 'float'): (inputs: readonly Value[]) => Type {
  return ([x]) => {
    must(is(kind, x), `${op}: the operand must be a ${kind}`, x)
    return { shape: x.shape, dtype: x.dtype }
  }
}

function binary(op: string, kind: Kind = 'anything'): (inputs: readonly Value[]) => Type {
  return ([a, b]) => {
    must(sameShape(a.shape, b.shape), `${op}: operands must have one shape`, a, b)
    must(a.dtype === b.dtype, `${op}: operands must have one type`, a, b)
    must(is(kind, a), `${op}: operands must be ${kind}s`, a, b)
    return { shape: a.shape, dtype: a.dtype }
  }
}

function reduce(op: string): (inputs: readonly Value[], attrs: { readonly axes: readonly number[] }) => Type {
  return ([x], { axes }) => {
    must(is('number', x), `${op}: the operand must be a number`, x)
    must(
      axes.every(a => Number.isInteger(a) && a >= 0 && a < x.shape.length),
      `${op}: [${axes}] must be axes`,
      x
    )
    return { shape: x.shape.map((d, i) => (axes.includes(i) ? 1 : d)), dtype: x.dtype }
  }
}

const isWhole = (n: number): boolean => Number.isInteger(n) && n >= 0

/** Throws with the rule, the operands, and the next step, which the rule may name after a semicolon. */
function must(holds: boolean, rule: string, ...found: readonly Value[]): void {
  if (holds) return
  const [what, next] = rule.split('; ')
  throw new GraphError(
    `${what}${found.length ? `, found ${found.map(describe).join(' and ')}` : ''}${next ? `; ${next}` : ''}`
  )
}
