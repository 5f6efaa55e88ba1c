import { it } from 'vitest'
import { webgpu } from '@sam/backend-webgpu'
import { checkEncodeAll } from '../../core/test/encode-all.js'

it('encodeAll: batches give the embeddings of single images', async () => {
  const backend = await webgpu()
  try {
    await checkEncodeAll(backend)
  } finally {
    backend.dispose()
  }
})
