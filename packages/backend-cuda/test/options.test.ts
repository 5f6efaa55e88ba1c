import { describe, expect, it } from 'vitest'
import { cuda, tensorrt } from '@sam/backend-cuda'

describe('options', () => {
  it.each([
    { device: -1 },
    { device: 0.5 },
    { threads: 0 },
    { memory: 'huge' as 'lean' },
    { decompose: 'some' as 'all' }
  ])('%o is refused, whether there is a GPU or not', async options => {
    await expect(cuda(options)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    await expect(tensorrt(options)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })
})

it('cuda: where it is missing, an error with the way to get it; never a run on the CPU', async () => {
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
