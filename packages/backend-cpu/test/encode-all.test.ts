import { it } from 'vitest'
import { cpu } from '@sam/backend-cpu'
import { checkEncodeAll } from '../../core/test/encode-all.js'

it('encodeAll: batches give the embeddings of single images', async () => {
  const backend = await cpu()
  try {
    await checkEncodeAll(backend)
  } finally {
    backend.dispose()
  }
})
