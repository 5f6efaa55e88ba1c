import { describe, expect, it } from 'vitest'
import { constant, differentiate, evaluate, f32, graph, param, type Value } from '@sam/core/graph'
import { diceLoss } from './dice.js'
import { focalLoss } from './focal.js'
import { iouLoss, trueIou } from './iou.js'
import { maskLoss } from './mask-loss.js'

const value = (y: Value): number[] => [...evaluate(graph('y', { y }), () => f32([], [0])).y.data]
const row = (...values: number[]): Value => constant(f32([1, values.length], values))

describe('focalLoss', () => {
  it('is α·(1−p)²·−log p where the target is 1, (1−α)·p²·−log(1−p) where it is 0, mean over pixels', () => {
    const p = 1 / (1 + Math.exp(-2))
    expect(value(focalLoss(row(2), row(1)))[0]).toBeCloseTo(0.25 * (1 - p) ** 2 * -Math.log(p), 12)
    expect(value(focalLoss(row(2), row(0)))[0]).toBeCloseTo(0.75 * p ** 2 * -Math.log(1 - p), 12)
    expect(value(focalLoss(row(2, 2), row(1, 0)))[0]).toBeCloseTo(
      (0.25 * (1 - p) ** 2 * -Math.log(p) + 0.75 * p ** 2 * -Math.log(1 - p)) / 2,
      12
    )
  })
  it('is finite for any logit', () => {
    for (const x of [-1e4, 1e4])
      for (const t of [0, 1]) expect(Number.isFinite(value(focalLoss(row(x), row(t)))[0])).toBe(true)
  })
})

describe('diceLoss', () => {
  it('is 0 for a perfect mask and near 1 for the opposite, smoothed by one pixel', () => {
    expect(value(diceLoss(row(40, -40), row(1, 0)))[0]).toBeCloseTo(0, 12)
    expect(value(diceLoss(row(-40, 40), row(1, 0)))[0]).toBeCloseTo(1 - 1 / 3, 12)
    expect(value(diceLoss(row(-40, -40), row(0, 0)))[0]).toBeCloseTo(0, 12)
  })
})

describe('trueIou', () => {
  it('thresholds at 0, and is 0 for two empty masks', () => {
    expect(value(trueIou(row(1, 0.1, -1, -1), row(1, 0, 1, 0)))[0]).toBeCloseTo(1 / 3, 12)
    expect(value(trueIou(row(-1), row(0)))[0]).toBe(0)
    expect(value(iouLoss(constant(f32([1], [0.9])), constant(f32([1], [0.4]))))[0]).toBeCloseTo(0.25, 6)
  })
})

describe('maskLoss', () => {
  const target = constant(f32([2, 1, 2], [1, 0, 0, 1]))
  const loss = (returned: number[], weight: number[], truth = target) =>
    maskLoss({
      logits: param('logits', [2, 4, 1, 2]),
      iou: param('iou', [2, 4]),
      target: truth,
      returned: constant(f32([2, 4], returned)),
      weight: constant(f32([2], weight))
    })
  const bind = (leaf: Value) =>
    leaf.shape.length === 4
      ? f32([2, 4, 1, 2], [5, -5, 0.2, -1, 2, -2, -3, 3, 5, -5, -1, 0.1, 3, -3, 2, -1])
      : f32([2, 4], [0.9, 0.2, 0.4, 0.6, 0.9, 0.2, 0.4, 0.6])
  const run = (returned: number[], weight: number[], truth?: Value) => {
    const { loss: total, perMask } = loss(returned, weight, truth)
    return evaluate(differentiate(graph('loss', { total, perMask }), { loss: 'total', wrt: ['logits', 'iou'] }), bind)
  }
  const touched = (data: ArrayLike<number>, size: number): number[] =>
    Array.from({ length: 8 }, (_, i) =>
      Array.from(data)
        .slice(i * size, (i + 1) * size)
        .some(v => v !== 0)
        ? 1
        : 0
    )

  it('backpropagates through the returned mask of lowest loss and through all returned IoUs', () => {
    const out = run([0, 1, 1, 1, 1, 0, 0, 0], [1, 1])
    // Prompt 0 returns three masks, of which mask 2 is best. Prompt 1 returns the single one.
    expect(touched(out['grad/logits'].data, 2)).toEqual([0, 0, 1, 0, 1, 0, 0, 0])
    expect(touched(out['grad/iou'].data, 1)).toEqual([0, 1, 1, 1, 1, 0, 0, 0])
  })
  it('ignores prompts of weight 0', () => {
    const out = run([0, 1, 1, 1, 1, 0, 0, 0], [1, 0])
    expect(touched(out['grad/logits'].data, 2)).toEqual([0, 0, 1, 0, 0, 0, 0, 0])
  })
  it('trains the IoU of an absent object towards 0, and no mask', () => {
    const out = run([0, 1, 1, 1, 1, 0, 0, 0], [1, 1], constant(f32([2, 1, 2], [1, 0, 0, 0])))
    expect(touched(out['grad/logits'].data, 2)).toEqual([0, 0, 1, 0, 0, 0, 0, 0])
    // The gradient of the mean over two prompts of (0.9 − 0)².
    expect(out['grad/iou'].data[4]).toBeCloseTo(0.9, 6)
  })
})
