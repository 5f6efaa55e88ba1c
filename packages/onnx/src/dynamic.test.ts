import { graph, input, memoryWeights, ops } from '@sam/core/graph'
import { expect, it } from 'vitest'
import { toDynamicOnnx } from './dynamic.js'

const options = { weights: memoryWeights({}) }
const batch = { batch: { from: { input: 'x', axis: 0 } } }

it('toDynamicOnnx: rejects graphs that depend on a size in more than integers', async () => {
  await expect(
    toDynamicOnnx(({ batch }) => graph('g', { y: ops.mul(input('x', [batch]), batch) }), batch, options)
  ).rejects.toThrow('depend on the sizes')
  await expect(
    toDynamicOnnx(
      ({ batch }) => graph('g', { y: batch > 1500 ? ops.neg(input('x', [batch])) : ops.exp(input('x', [batch])) }),
      batch,
      options
    )
  ).rejects.toThrow('its operations depend')
})

it('toDynamicOnnx: rejects integers that are no sum of products of two sizes', async () => {
  const half = ({ batch }: { batch: number }) =>
    graph('g', { y: ops.slice(input('x', [batch]), 0, { start: 0, size: Math.floor(batch / 3) }) })
  await expect(toDynamicOnnx(half, batch, options)).rejects.toThrow('is not a sum of products of sizes')
  const square = ({ batch }: { batch: number }) =>
    graph('g', { y: ops.broadcastTo(input('x', [1, batch]), [batch ** 2, batch]) })
  await expect(toDynamicOnnx(square, { batch: { from: { input: 'x', axis: 1 } } }, options)).rejects.toThrow(
    'is not a sum of products of sizes'
  )
})
