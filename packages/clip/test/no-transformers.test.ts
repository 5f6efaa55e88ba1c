import { SamError } from '@sam/core'
import { clipText } from '@sam/clip'
import { expect, it, vi } from 'vitest'

vi.mock('@xenova/transformers', () => {
  throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
})

it('clipText: explains how to install transformers.js if it is missing', async () => {
  const error: unknown = await clipText({ model: 'some/model' }).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(SamError)
  expect(error).toMatchObject({ code: 'E_BACKEND_UNAVAILABLE' })
  expect((error as Error).message).toContain('npm install @xenova/transformers@npm:@huggingface/transformers@')
})
