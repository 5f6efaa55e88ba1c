import { configs, type SamConfig } from '@sam/core'
import { decodeMasks } from '@sam/core/model'
import { f32, nameOf, paramsOf, tensor, type DeviceTensor } from '@sam/core/graph'
import { hashWeights } from '@sam/core/testing'
import { memory, setBackend } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { webgpu } from '../src/index.js'

/** A minimal SAM: hundreds of decodes take seconds on an emulated GPU. */
const least: SamConfig = {
  ...configs['tiny-test'],
  imageSize: 32,
  width: 8,
  decoder: { ...configs['tiny-test'].decoder, depth: 1, heads: 1, mlpWidth: 8, iouHiddenWidth: 8 }
}

it('memory: is unchanged after 250 decodes', async () => {
  const backend = await webgpu()
  await setBackend('webgpu') // ours: tf.memory() counts its buffers
  const graph = decodeMasks(least, { prompts: 1, points: 1 })
  const decode = await backend.compile(
    graph,
    hashWeights(
      paramsOf(graph).map(p => ({ name: nameOf(p)!, shape: p.shape })),
      1
    )
  )
  const once = async (x: number, feed: (out: Record<string, DeviceTensor>) => Promise<unknown>): Promise<void> => {
    const out = await decode.run({
      image_embedding: f32([1, 8, 2, 2], new Float32Array(32).fill(0.1)),
      point_coords: f32([1, 1, 2], [x, 20]),
      point_labels: tensor('i32', [1, 1], [1]),
      token_mask: f32([1, 1], [1])
    })
    await feed(out)
    for (const t of Object.values(out)) t.dispose()
  }
  for (let i = 0; i < 3; i++) await once(i, async out => out.iou_predictions.read())
  const before = { ...memory(), ...backend.memory() }
  expect(before).toHaveProperty('numBytesInGPU', before.usedBytes)
  for (let i = 0; i < 250; i++)
    await once(i % 32, async out => {
      if (i % 25 === 0) await out.iou_predictions.read()
    })
  expect({ ...memory(), ...backend.memory() }).toEqual(before)
  decode.dispose()
  backend.trim()
  expect(backend.memory()).toEqual({ usedBytes: 0, allocatedBytes: 0 })
  backend.dispose()
})
