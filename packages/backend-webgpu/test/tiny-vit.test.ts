import { it } from 'vitest'
import { checkTinyVit } from '../../core/test/tiny-vit.js'
import { webgpu } from '../src/index.js'

it('TinyViT: has the results of the public PyTorch code', async () => {
  const backend = await webgpu()
  try {
    await checkTinyVit(backend)
  } finally {
    backend.dispose()
  }
})
