import { describe, expect, it } from 'vitest'
import { graph } from '../ir/graph.js'
import { constant, input, type Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { f32, tensor, type HostTensor } from '../tensor/tensor.js'
import { erf, evaluate, exact, toHost } from './evaluate.js'

const numbers = (y: Value): number[] => [
  ...evaluate(graph('g', { y }), () => {
    throw new Error('no leaves')
  }).y.data
]
const row = (...values: number[]): Value => constant(f32([values.length], values))
const grid = (...rows: number[][]): Value => constant(f32([rows.length, rows[0].length], rows.flat()))
const ints = (...values: number[]): Value => constant(tensor('i32', [values.length], values))
const bools = (...values: number[]): Value => constant(tensor('bool', [values.length], values))

/** Expected values computed by hand. */
describe('evaluate: primitives against values computed by hand', () => {
  it('unary', () => {
    expect(numbers(ops.neg(row(1, -2, 0)))).toEqual([-1, 2, -0])
    expect(numbers(ops.exp(row(0, 1, -1)))).toEqual([1, Math.E, 1 / Math.E])
    expect(numbers(ops.log(row(1, 2)))).toEqual([0, Math.LN2])
    expect(numbers(ops.sqrt(row(4, 2, 0.25)))).toEqual([2, Math.SQRT2, 0.5])
    expect(numbers(ops.sin(row(0)))).toEqual([0])
    expect(numbers(ops.cos(row(0)))).toEqual([1])
    expect(numbers(ops.stopGradient(row(3, 4)))).toEqual([3, 4])
  })

  it('cast', () => {
    expect(numbers(ops.cast(row(1.9, -1.9, 0.5), 'i32'))).toEqual([1, -1, 0])
    expect(numbers(ops.cast(row(0, -0, 0.5, -3), 'bool'))).toEqual([0, 0, 1, 1])
    expect(numbers(ops.cast(bools(1, 0), 'f32'))).toEqual([1, 0])
    expect(numbers(ops.cast(row(2049, 65519, 65520), 'f16'))).toEqual([2048, 65504, Infinity])
    expect(numbers(ops.cast(constant(tensor('f16', [2], [0x3c00, 0xc000])), 'f32'))).toEqual([1, -2])
  })

  it('binary', () => {
    expect(numbers(ops.add(row(1, 2), row(10, 20)))).toEqual([11, 22])
    expect(numbers(ops.sub(row(1, 2), row(10, 20)))).toEqual([-9, -18])
    expect(numbers(ops.mul(row(3, -2), row(10, 20)))).toEqual([30, -40])
    expect(numbers(ops.div(row(1, -9), row(4, 3)))).toEqual([0.25, -3])
    expect(numbers(ops.max(row(1, -2, 5), row(0, -1, 5)))).toEqual([1, -1, 5])
    expect(numbers(ops.max(row(NaN, 1), row(1, NaN)))).toEqual([NaN, NaN])
  })

  it('select', () => {
    expect(numbers(ops.less(row(1, 2, 3), row(2, 2, 2)))).toEqual([1, 0, 0])
    expect(numbers(ops.equal(row(1, 0, NaN), row(1, -0, NaN)))).toEqual([1, 1, 0])
    expect(numbers(ops.where(bools(1, 0, 1), row(1, 2, 3), row(10, 20, 30)))).toEqual([1, 20, 3])
  })

  it('reduce', () => {
    const x = grid([1, 2, 3], [4, 5, 60])
    expect(numbers(ops.reduceSum(x, [0]))).toEqual([5, 7, 63])
    expect(numbers(ops.reduceSum(x, [1]))).toEqual([6, 69])
    expect(numbers(ops.reduceSum(x, [0, 1]))).toEqual([75])
    expect(numbers(ops.reduceMax(x, [0]))).toEqual([4, 5, 60])
    expect(numbers(ops.reduceMax(ops.neg(x), [-1]))).toEqual([-1, -4])
    expect(ops.reduceSum(x, [1]).shape).toEqual([2, 1])
  })

  it('matmul', () => {
    expect(numbers(ops.matmul(grid([1, 2], [3, 4]), grid([5, 6, 7], [8, 9, 10])))).toEqual([21, 24, 27, 47, 54, 61])
    const batch = constant(f32([2, 1, 2], [1, 2, 3, 4]))
    expect(numbers(ops.matmul(batch, constant(f32([2, 2, 1], [1, 1, 10, 100]))))).toEqual([3, 430])
  })

  it('moves', () => {
    const x = grid([1, 2, 3], [4, 5, 6])
    expect(numbers(ops.reshape(x, [3, 2]))).toEqual([1, 2, 3, 4, 5, 6])
    expect(numbers(ops.transpose(x, [1, 0]))).toEqual([1, 4, 2, 5, 3, 6])
    expect(numbers(ops.transpose(constant(f32([2, 1, 3], [1, 2, 3, 4, 5, 6])), [2, 0, 1]))).toEqual([1, 4, 2, 5, 3, 6])
    expect(numbers(ops.broadcastTo(row(1, 2), [2, 2]))).toEqual([1, 2, 1, 2])
    expect(numbers(ops.broadcastTo(grid([1], [2]), [2, 3]))).toEqual([1, 1, 1, 2, 2, 2])
    expect(numbers(ops.slice(x, 1, { start: 1, size: 2 }))).toEqual([2, 3, 5, 6])
    expect(numbers(ops.slice(x, 0, { start: 1, size: 1 }))).toEqual([4, 5, 6])
    expect(numbers(ops.pad(row(1, 2), { before: [1], after: [2], value: 9 }))).toEqual([9, 1, 2, 9, 9])
    expect(numbers(ops.pad(grid([1]), { before: [0, 1], after: [1, 0] }))).toEqual([0, 1, 0, 0])
    expect(numbers(ops.concat([x, grid([7], [8])], 1))).toEqual([1, 2, 3, 7, 4, 5, 6, 8])
    expect(numbers(ops.concat([row(1), row(2, 3), row(4)], 0))).toEqual([1, 2, 3, 4])
    expect(numbers(ops.gather(x, ints(1, 0, 1), 0))).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6])
    expect(numbers(ops.gather(x, ints(2, 2), 1))).toEqual([3, 3, 6, 6])
    expect(numbers(ops.scatterAdd(x, ints(1, 1), { axis: 0, size: 3 }))).toEqual([0, 0, 0, 5, 7, 9, 0, 0, 0])
    expect(numbers(ops.scatterAdd(x, ints(0, 1, 0), { axis: 1, size: 2 }))).toEqual([4, 2, 10, 5])
  })
})

describe('evaluate', () => {
  const x = input('x', [2])

  it('computes in double precision', () => {
    const tenth = constant(f32([], [0.1]))
    expect(numbers(ops.mul(tenth, tenth))[0]).toBe(Math.fround(0.1) ** 2)
    expect(numbers(ops.sub(ops.add(row(1e8), 1), 1e8))).toEqual([1]) // in f32 this is 0
  })

  it('rejects a leaf bound to another shape', () => {
    expect(() => evaluate(graph('g', { y: ops.neg(x) }), () => f32([3], [1, 2, 3]))).toThrow(
      'evaluate: f32[2] (x) must be bound to its shape, found [3]'
    )
  })

  it('rejects an operation that is neither primitive nor composite', () => {
    const odd: Value = { ...ops.neg(x), op: 'sinh' }
    expect(() => evaluate(graph('g', { y: odd }), () => f32([2], [1, 2]))).toThrow(
      'evaluate: sinh is neither a primitive nor a composite'
    )
  })

  it('converts to f64 and back to the declared type', () => {
    const back = (t: HostTensor): HostTensor => toHost(exact(t))
    for (const t of [
      f32([2], [0.1, -3]),
      tensor('i32', [2], [-2147483648, 7]),
      tensor('bool', [2], [1, 0]),
      tensor('f16', [3], [0x3c00, 0x3555, 0xfbff])
    ])
      expect(back(t)).toEqual(t)
    expect([...exact(tensor('f16', [2], [0x3c00, 0xc000])).data]).toEqual([1, -2])
  })
})

describe('erf', () => {
  /** 25 digits, from an arbitrary-precision library (mpmath). */
  const known: [number, number][] = [
    [1e-8, 1.128379167095512536e-8],
    [0.1, 0.1124629160182848922032751],
    [0.5, 0.5204998778130465376827467],
    [1, 0.8427007929497148693412206],
    [1.5, 0.9661051464753107270669763],
    [2, 0.9953222650189527341620693],
    [2.4, 0.9993114861033549214302551],
    [2.6, 0.999763965583470650796009],
    [3, 0.9999779095030014145586272],
    [4, 0.9999999845827420997199811]
  ]
  it.each(known)('of %d', (at, expected) => {
    expect(Math.abs(erf(at) - expected)).toBeLessThanOrEqual(1e-15 * expected)
    expect(erf(-at)).toBe(-erf(at))
  })

  it('is continuous where the series ends, and ±1 for large arguments', () => {
    const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-6.25)
    expect(erf(2.5) - erf(2.5 - 1e-9)).toBeCloseTo(1e-9 * slope, 15)
    expect([erf(0), erf(-0), erf(7), erf(-Infinity), erf(NaN)]).toEqual([0, -0, 1, -1, NaN])
  })
})
