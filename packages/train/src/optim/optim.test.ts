import { describe, expect, it } from 'vitest'
import { constant, evaluate, f32, graph, type Value } from '@sam/core/graph'
import { clipFactor, globalNorm } from './clip-norm.js'
import { paramRule } from './groups.js'
import { learningRate } from './schedule.js'
import { dropPathRates } from '../step.js'

const value = (y: Value): number => evaluate(graph('y', { y }), () => f32([], [0])).y.data[0]

describe('gradient clipping', () => {
  const norm = globalNorm([constant(f32([2], [3, 0])), constant(f32([1, 1], [4]))])
  it('globalNorm: is the norm over all gradients', () => expect(value(norm)).toBeCloseTo(5, 12))
  it('clipFactor: scales down gradients above the limit alone', () => {
    expect(value(clipFactor(norm, 1))).toBeCloseTo(0.2, 6)
    expect(value(clipFactor(norm, 10))).toBe(1)
  })
})

describe('learning rates', () => {
  it('rise linearly, then drop to a tenth at each step', () => {
    const schedule = { rate: 1, warmup: 10, steps: [20, 30], iterations: 40 }
    expect([0, 4, 9, 19, 20, 30].map(i => learningRate(schedule, i))).toEqual([
      0.1,
      0.5,
      1,
      1,
      0.1,
      expect.closeTo(0.01, 9) as number
    ])
  })
  it("decay with a layer's distance from the output", () => {
    const options = { depth: 12, layerDecay: 0.6, weightDecay: 0.1 }
    expect(paramRule('image_encoder.blocks.11.mlp.lin1.weight', 2, options)).toEqual({
      rateScale: 0.6,
      weightDecay: 0.1
    })
    expect(paramRule('image_encoder.blocks.0.norm1.weight', 1, options)).toEqual({
      rateScale: 0.6 ** 12,
      weightDecay: 0
    })
    expect(paramRule('mask_decoder.iou_token.weight', 2, options)).toEqual({ rateScale: 1, weightDecay: 0 })
  })
  it('dropPathRates: rise with depth', () =>
    expect([0, 3, 6].map(i => dropPathRates(7, 0.4)[i])).toEqual([0, expect.closeTo(0.2, 9), expect.closeTo(0.4, 9)]))
})
