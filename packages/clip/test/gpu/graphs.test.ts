import { webgpu } from '@sam/backend-webgpu'
import { expect, it } from 'vitest'
import { differences } from '../against-pytorch.js'

it("the tiny CLIP gives PyTorch's embeddings on WebGPU", async () => {
  const backend = await webgpu()
  for (const [what, difference] of Object.entries(await differences(backend)))
    expect(difference, what).toBeLessThan(1e-4)
  backend.dispose()
})
