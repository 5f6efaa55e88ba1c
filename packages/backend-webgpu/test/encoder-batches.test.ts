import { it } from 'vitest'
import { webgpu } from '@sam/backend-webgpu'
import { checkEncoderBatches } from '../../core/test/encoder-batches.js'

it('image encoder: two images per run give the embeddings of one', async () => {
  const backend = await webgpu()
  try {
    await checkEncoderBatches(backend)
  } finally {
    backend.dispose()
  }
})
