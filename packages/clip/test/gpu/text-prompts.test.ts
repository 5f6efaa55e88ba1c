import { webgpu } from '@sam/backend-webgpu'
import { expect, it } from 'vitest'
import { batchDifference, fakeEncoder } from '../text-prompts.js'

it('predict: gives the same masks for text prompts in a list and alone on WebGPU', async () => {
  const backend = await webgpu()
  expect(await batchDifference(backend, fakeEncoder(12))).toBeLessThan(1e-4)
  backend.dispose()
})
