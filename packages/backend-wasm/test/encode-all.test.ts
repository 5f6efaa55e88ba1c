import { it } from 'vitest'
import { wasm } from '@sam/backend-wasm'
import { checkEncodeAll } from '../../core/test/encode-all.js'
import { wasmPaths } from './wasm-files.js'

it('encodeAll: batches give the embeddings of single images', async () => {
  const backend = await wasm({ wasmPaths })
  try {
    await checkEncodeAll(backend)
  } finally {
    backend.dispose()
  }
})
