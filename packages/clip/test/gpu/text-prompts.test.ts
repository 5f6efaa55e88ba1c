import { webgpu } from '@sam/backend-webgpu'
import { expect, it } from 'vitest'
import { batchDifference, fakeEncoder } from '../text-prompts.js'

it('text mixed with other prompts equals the batch form on WebGPU', async () => {
  const backend = await webgpu()
  expect(await batchDifference(backend, fakeEncoder(12))).toBeLessThan(1e-4)
  backend.dispose()
})
