import { it } from 'vitest'
import { wasm } from '@sam/backend-wasm'
import { checkTinyVit } from '../../core/test/tiny-vit.js'
import { wasmPaths } from './wasm-files.js'

it('TinyViT: has the results of the public PyTorch code', async () => {
  const backend = await wasm({ wasmPaths })
  try {
    await checkTinyVit(backend)
  } finally {
    backend.dispose()
  }
})
