import { webgpu } from '@sam/backend-webgpu'
import { expect, it } from 'vitest'
import { differences } from '../against-pytorch.js'

it("encodeText, encodeCrops: give PyTorch's embeddings of the tiny CLIP on WebGPU", async () => {
  const backend = await webgpu()
  for (const [what, difference] of Object.entries(await differences(backend)))
    expect(difference, what).toBeLessThan(1e-4)
  backend.dispose()
})
