import { it } from 'vitest'
import { wasm } from '@sam/backend-wasm'
import { checkPromptLists } from '../../core/test/prompt-lists.js'
import { wasmPaths } from './wasm-files.js'

it('prompt lists: predictions of the published decoder do not depend on earlier prompts', async () => {
  const backend = await wasm({ wasmPaths })
  try {
    await checkPromptLists(backend, { seed: 4, lists: 4, maxPrompts: 8 })
  } finally {
    backend.dispose()
  }
})
