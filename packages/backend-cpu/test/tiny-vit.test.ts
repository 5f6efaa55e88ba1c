import { it } from 'vitest'
import { cpu } from '@sam/backend-cpu'
import { checkTinyVit } from '../../core/test/tiny-vit.js'

it.each([undefined, 'all'] as const)(
  'TinyViT: has the results of the public PyTorch code (decompose: %s)',
  async decompose => {
    const backend = await cpu({ decompose, threads: 1 })
    try {
      await checkTinyVit(backend)
    } finally {
      backend.dispose()
    }
  }
)
