import { it } from 'vitest'
import { webgpu } from '../../src/index.js'
import { checkPromptLists } from '../../../core/test/prompt-lists.js'

it('prompt lists: predictions of the published decoder, with its whole MLP, do not depend on earlier prompts', async () => {
  const backend = await webgpu()
  try {
    await checkPromptLists(backend, { seed: 5, lists: 3, maxPrompts: 2 })
  } finally {
    backend.dispose()
  }
})
