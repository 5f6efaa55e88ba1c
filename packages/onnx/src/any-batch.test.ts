import { graph, input, memoryWeights, ops } from '@sam/core/graph'
import { expect, it } from 'vitest'
import { toOnnxOfAnyBatch } from './any-batch.js'

const weights = memoryWeights({})

it('toOnnxOfAnyBatch: rejects graphs that depend on the batch size in more than sizes', async () => {
  await expect(
    toOnnxOfAnyBatch(batch => graph('g', { y: ops.mul(input('x', [batch]), batch) }), { weights })
  ).rejects.toThrow('cannot be written for any batch')
  await expect(
    toOnnxOfAnyBatch(
      batch => graph('g', { y: batch > 1500 ? ops.neg(input('x', [batch])) : ops.exp(input('x', [batch])) }),
      { weights }
    )
  ).rejects.toThrow('its operations depend')
})
