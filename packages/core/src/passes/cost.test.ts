import { describe, expect, it } from 'vitest'
import { graph } from '../ir/graph.js'
import { input, param } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { bytesOf, flops, memory } from './cost.js'

describe('flops', () => {
  it('are two per multiply-add, fused or decomposed', () => {
    const x = input('x', [5, 7])
    expect(flops(ops.linear(x, param('w', [3, 7]), param('b', [3])))).toBe(2 * 5 * 7 * 3)
    expect(flops(ops.conv2d(input('i', [1, 6, 6, 4]), [param('k', [8, 4, 3, 3])], { padding: 1 }))).toBe(
      2 * 36 * 4 * 8 * 9
    )
    expect(flops(ops.gelu(x))).toBe(0)
  })
})

describe('memory', () => {
  it('is freed after the last use of a value, and not used by views', () => {
    const x = input('x', [10]) // 40 bytes throughout
    const a = ops.exp(x) // 40
    const b = ops.concat([a, a, a], 0) // 120 next to a; then a is freed
    const y = ops.reduceSum(ops.reshape(ops.neg(b), [3, 10]), [0]) // 120 next to b; b is freed; 40 next to it
    const { largest, peakBytes } = memory(graph('g', { y }))
    expect(bytesOf(largest)).toBe(120)
    expect(peakBytes).toBe(40 + 120 + 120)
  })

  it('is not freed for outputs', () => {
    const x = input('x', [10])
    const a = ops.exp(x)
    const chain = ops.exp(ops.exp(ops.exp(a)))
    expect(memory(graph('g', { chain })).peakBytes).toBe(40 + 80)
    expect(memory(graph('g', { a, chain })).peakBytes).toBe(40 + 120)
  })
})
