import { it } from 'vitest'
import { cpu } from '@sam/backend-cpu'
import { checkPromptLists } from '../../core/test/prompt-lists.js'

for (const seed of [1, 2]) {
  it(`prompt lists, seed ${seed}: predictions of the published decoder do not depend on earlier prompts`, async () => {
    const backend = await cpu()
    try {
      await checkPromptLists(backend, { seed, lists: 6 })
    } finally {
      backend.dispose()
    }
  })
}
