import { f32, graph, input, memoryWeights, ops, param, type Graph } from '@sam/core/graph'
import { toDynamicOnnx } from '@sam/onnx'
import { expect, it } from 'vitest'

/**
 * Operations that depend on sizes: a broadcast, a concatenation, a reshape that mixes axes, a slice of rows, a product.
 */
const build = ({ batch }: { batch: number }): Graph => {
  const x = input('x', [batch, 3, 2])
  const token = ops.broadcastTo(param('token', [1, 1, 2]), [batch, 1, 2])
  const joined = ops.reshape(ops.concat([token, x], 1), [2 * batch, 4])
  return graph(
    'sizes',
    {
      y: ops.reshape(ops.linear(joined, param('w', [5, 4])), [batch, 2, 5]),
      rows: ops.slice(joined, 0, { start: 0, size: batch })
    },
    [x]
  )
}
const weights = memoryWeights({
  token: f32([1, 1, 2], [10, 20]),
  w: f32(
    [5, 4],
    Array.from({ length: 20 }, (_, i) => i)
  )
})

it('toDynamicOnnx: gives each item of a batch the same result as alone', async () => {
  const { model, externalData } = await toDynamicOnnx(
    build,
    { batch: { from: { input: 'x', axis: 0 } } },
    { weights, inlineLimit: Infinity }
  )
  expect(externalData).toBeUndefined()
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
  const ort = await import('onnxruntime-node')
  const session = await ort.InferenceSession.create(model)
  const run = async (data: number[]): Promise<number[]> => {
    const { y, rows } = await session.run({
      x: new ort.Tensor('float32', Float32Array.from(data), [data.length / 6, 3, 2])
    })
    expect([y.dims, rows.dims]).toEqual([
      [data.length / 6, 2, 5],
      [data.length / 6, 4]
    ])
    return Array.from(y.data as Float32Array)
  }
  const items = [
    [1, 2, 3, 4, 5, 6],
    [7, 8, 9, 10, 11, 12],
    [0, -1, 0, -1, 0, -1]
  ]
  const together = await run(items.flat())
  const alone = await Promise.all(items.map(run))
  expect(together).toEqual(alone.flat())
  expect(together.slice(0, 5)).toEqual(
    [0, 1, 2, 3, 4].map(o => [10, 20, 1, 2].reduce((sum, v, i) => sum + v * (4 * o + i), 0))
  )
})
