import { describe, expect, it } from 'vitest'
import { cuda, tensorrt } from '@sam/backend-cuda'

describe('options', () => {
  it.each([
    { device: -1 },
    { devise: 0 },
    { device: 0.5 },
    { threads: 0 },
    { memory: 'huge' as 'lean' },
    { precision: 'f16' },
    { decompose: 'some' as 'all' }
  ])('cuda: rejects %o, with or without a GPU', async options => {
    await expect(cuda(options)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    await expect(tensorrt(options)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })
})

it('cuda: explains how to install CUDA if it is missing, and does not run on the CPU', async () => {
  const found = await cuda().then(
    backend => {
      backend.dispose()
      return backend.name
    },
    (error: unknown) => error
  )
  if (found === 'cuda') return
  expect(found).toMatchObject({
    code: 'E_BACKEND_UNAVAILABLE',
    message: expect.stringMatching(/linux-x64|npm rebuild onnxruntime-node/)
  })
})
