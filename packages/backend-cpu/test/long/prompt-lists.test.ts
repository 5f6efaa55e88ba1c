import { it } from 'vitest'
import { cpu } from '@sam/backend-cpu'
import { checkPromptLists } from '../../../core/test/prompt-lists.js'

it('prompt lists, many: predictions of the published decoder do not depend on earlier prompts', async () => {
  const backend = await cpu()
  try {
    await checkPromptLists(backend, { seed: 2, lists: 30 })
  } finally {
    backend.dispose()
  }
})
