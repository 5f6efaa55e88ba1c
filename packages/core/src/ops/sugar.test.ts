import { expect, it } from 'vitest'
import { graph } from '../ir/graph.js'
import { constant, type Value } from '../ir/value.js'
import { evaluate } from '../reference/evaluate.js'
import { f32 } from '../tensor/tensor.js'
import * as ops from './index.js'

const x = constant(f32([2, 3], [1, -2, 3, 4, 5, -60]))
const numbers = (y: Value): number[] => [
  ...evaluate(graph('g', { y }), () => {
    throw new Error('no leaves')
  }).y.data
]

it('sugar: computes mean, sum, sumTo and stack, with their shapes', () => {
  expect(numbers(ops.square(x))).toEqual([1, 4, 9, 16, 25, 3600])
  expect(numbers(ops.abs(x))).toEqual([1, 2, 3, 4, 5, 60])
  expect(numbers(ops.min(x, ops.fill([2, 3], 0)))).toEqual([0, -2, 0, 0, 0, -60])
  expect(numbers(ops.mean(x, [0]))).toEqual([2.5, 1.5, -28.5])
  expect(ops.mean(x, [-1]).shape).toEqual([2, 1])
  expect([numbers(ops.sum(x, [1])), ops.sum(x, [1]).shape]).toEqual([[2, -51], [2]])
  expect([numbers(ops.sum(x, [0, -1])), ops.sum(x, [0, -1]).shape]).toEqual([[-49], []])
  expect([numbers(ops.stack([x, ops.neg(x)], 1)), ops.stack([x, x], 1).shape]).toEqual([
    [1, -2, 3, -1, 2, -3, 4, 5, -60, -4, -5, 60],
    [2, 2, 3]
  ])
})
