import { expect, it } from 'vitest'
import { webgpu } from './backend.js'

it.each([
  [{ precison: 'f16' }, "did you mean 'precision'?"],
  [{ precision: 'int8' }, "precision must be 'f32' or 'f16' on WebGPU, found"],
  [{ tune: 1 }, 'tune must be true or false, found 1'],
  [{ powerPreference: 'fast' }, "'low-power' or 'high-performance'"],
  [{ decompose: true }, "decompose must be 'all' or omitted, found true"]
])('webgpu: rejects %o before it looks for a GPU', async (options, message) => {
  await expect(webgpu(options as object)).rejects.toMatchObject({
    code: 'E_BAD_OPTION',
    message: expect.stringContaining(message)
  })
})
