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

it('toDynamicOnnx: products of two sizes, and a size that is computed from an input', async () => {
  const size = input('size', [1])
  const { model, outputs } = await toDynamicOnnx(
    ({ rows, columns, kept }) => {
      const flat = ops.reshape(input('x', [rows, columns]), [rows * columns])
      return graph('sizes', { y: ops.slice(ops.concat([flat, flat], 0), 0, { start: rows, size: kept }) }, [size])
    },
    {
      rows: { from: { input: 'x', axis: 0 } },
      columns: { from: { input: 'x', axis: 1 }, probes: [1013, 1014, 1015] },
      kept: { from: ops.cast(ops.mul(size, 2), 'i32') }
    },
    { weights, inlineLimit: Infinity }
  )
  expect(outputs).toEqual({ y: 'y' })
  const ort = await import('onnxruntime-node')
  const session = await ort.InferenceSession.create(model)
  expect(session.outputNames).toEqual(['y'])
  for (const [rows, columns, half] of [
    [2, 3, 2],
    [3, 5, 6]
  ] as const) {
    const x = Float32Array.from({ length: rows * columns }, (_, i) => i)
    const { y } = await session.run({
      x: new ort.Tensor('float32', x, [rows, columns]),
      size: new ort.Tensor('float32', Float32Array.of(half), [1])
    })
    expect(Array.from(y.data as Float32Array)).toEqual([...x, ...x].slice(rows, rows + 2 * half))
  }
})
