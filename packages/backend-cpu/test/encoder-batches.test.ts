import { it } from 'vitest'
import { cpu } from '@sam/backend-cpu'
import { checkEncoderBatches } from '../../core/test/encoder-batches.js'

it('image encoder: two images per run give the embeddings of one', async () => {
  const backend = await cpu()
  try {
    await checkEncoderBatches(backend)
  } finally {
    backend.dispose()
  }
})
