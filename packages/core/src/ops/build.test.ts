import { describe, expect, it } from 'vitest'
import { graph, valuesOf } from '../ir/graph.js'
import { print } from '../ir/print.js'
import { input, type Value } from '../ir/value.js'
import * as ops from './index.js'

const x = input('x', [2, 3])
const opsOf = (y: Value): string[] =>
  valuesOf(graph('g', { y }))
    .filter(v => v.inputs.length)
    .map(v => v.op)

describe('building', () => {
  it('inserts a broadcast only if shapes differ', () => {
    expect(opsOf(ops.add(x, input('y', [2, 3])))).toEqual(['add'])
    expect(opsOf(ops.add(x, input('y', [2, 1])))).toEqual(['broadcast', 'add'])
    expect(opsOf(ops.add(input('y', [3]), x))).toEqual(['reshape', 'broadcast', 'add'])
    expect(print(graph('g', { y: ops.mul(input('a', [3, 1]), input('b', [1, 4])) }))).toContain('mul')
    expect(ops.where(ops.less(input('c', [2, 1]), 0), 1, x).shape).toEqual([2, 3])
    expect(ops.matmul(input('a', [5, 1, 2, 3]), input('b', [4, 3, 6])).shape).toEqual([5, 4, 2, 6])
  })

  it('converts a number to the type of the other operand', () => {
    expect(ops.add(input('i', [2], 'i32'), 1).dtype).toBe('i32')
    expect(ops.sub(1, input('i', [2], 'i32')).dtype).toBe('i32')
    expect([...(ops.scalar(0.5, 'f16').attrs.tensor as { data: Uint16Array }).data]).toEqual([0x3800])
  })

  it('creates no node for operations without effect', () => {
    for (const same of [
      ops.reshape(x, [2, 3]),
      ops.reshape(x, [2, -1]),
      ops.transpose(x, [0, 1]),
      ops.broadcastTo(x, [2, 3]),
      ops.slice(x, 1, { start: 0, size: 3 }),
      ops.pad(x, { before: [0, 0], after: [0, 0] }),
      ops.concat([x], 0),
      ops.cast(x, 'f32')
    ])
      expect(same).toBe(x)
  })

  it('infers one size of a reshape, and rejects sizes that do not match', () => {
    expect(ops.reshape(x, [3, -1]).shape).toEqual([3, 2])
    expect(() => ops.reshape(x, [4, -1])).toThrow(
      'reshape: [4,1.5] must be whole sizes that hold as many elements, found f32[2,3] (x)'
    )
  })

  it('names operands that do not broadcast in the error', () => {
    expect(() => ops.add(x, input('y', [4]))).toThrow('add: shapes must broadcast, found f32[2,3] (x) and f32[4] (y)')
    expect(() => ops.matmul(input('a', [2, 1, 1]), input('b', [3, 1, 1]))).toThrow('matmul: batch axes must broadcast')
    expect(() => ops.reduceSum(x, [2])).toThrow('reduceSum: axis must be within rank 2, found 2')
  })

  it('counts negative axes from the end and sorts them', () => {
    expect(ops.reduceSum(x, [-1, 0]).attrs.axes).toEqual([0, 1])
    expect(ops.concat([x, x], -1).attrs.axis).toBe(1)
  })
})
