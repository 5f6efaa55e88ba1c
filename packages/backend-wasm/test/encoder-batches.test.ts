import { it } from 'vitest'
import { wasm } from '@sam/backend-wasm'
import { checkEncoderBatches } from '../../core/test/encoder-batches.js'
import { wasmPaths } from './wasm-files.js'

it('image encoder: two images per run give the embeddings of one', async () => {
  const backend = await wasm({ wasmPaths })
  try {
    await checkEncoderBatches(backend)
  } finally {
    backend.dispose()
  }
})
