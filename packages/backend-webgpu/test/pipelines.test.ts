import { expect, it } from 'vitest'
import { randomTensor } from '@sam/core/testing'
import { openDevice } from '../src/device.js'
import { checked, dispatch } from '../src/dispatch.js'
import { contraction, strided } from '../src/kernels/contraction.js'
import { tiles } from '../src/kernels/tile.js'
import { allocate, resident, upload } from '../src/memory.js'

/** A product whose shader depends on the number of rows. */
const product = (rows: number) => {
  const operand = { batch: 0, row: 8, k: 1, offset: 0, depth: 8 }
  const [a, b] = [strided('a', operand), strided('b', operand)]
  return contraction({ name: 'p', batch: 1, rows, columns: 8, depth: 8, a, b, tile: tiles.medium, epilogue: {} })
}

it('issue 19: keeps a pipeline created while others are compiled', async () => {
  const device = await openDevice()
  const inputs = [upload(device, randomTensor([40, 8], { seed: 1 })), upload(device, randomTensor([8, 8], { seed: 2 }))]
  const result = allocate(device, 40 * 8, 'f32')
  const compiled = device.compile(() => dispatch(device, product(8), { inputs, result }))
  const { pipelineCache } = device.tfjs as unknown as { pipelineCache: Record<string, unknown> }
  await Promise.resolve()
  pipelineCache.another = 'a pipeline of another user of the device'
  await compiled
  expect(pipelineCache.another).toBe('a pipeline of another user of the device')
  expect(Object.values(pipelineCache)).not.toContain(undefined)
  await checked(device, 'running', () => dispatch(device, product(8), { inputs, result }))
  expect((await resident(device, result, { shape: [8, 8], dtype: 'f32' }).read()).data.some(x => x !== 0)).toBe(true)
  device.destroy()
})

it('issue 19: delays work that dispatches until nothing is being compiled', async () => {
  const device = await openDevice()
  const order: string[] = []
  const inputs = [upload(device, randomTensor([40, 8], { seed: 1 })), upload(device, randomTensor([8, 8], { seed: 2 }))]
  const result = allocate(device, 40 * 8, 'f32')
  const compiled = device
    .compile(() => dispatch(device, product(16), { inputs, result }))
    .then(() => order.push('compiled'))
  const alone = device.alone(async () => {
    await checked(device, 'running', () => dispatch(device, product(16), { inputs, result }))
    order.push('ran')
  })
  await Promise.all([compiled, alone])
  expect(order).toEqual(['compiled', 'ran'])
  device.destroy()
})
