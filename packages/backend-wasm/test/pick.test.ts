import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BackendError, type Backend } from '@sam/core/graph'
import { pickBackend, type Choice } from '@sam/backend-wasm'
import { wasmPaths } from './wasm-files.js'

const gpuBackend: Backend = {
  name: 'webgpu',
  keeps: () => false,
  compile: () => Promise.reject(new Error('not here')),
  dispose: () => {}
}
const pick = async (
  options: Partial<Parameters<typeof pickBackend>[0]> = {}
): Promise<{ backend: Backend; choice: Choice; loaded: boolean }> => {
  let choice: Choice | undefined
  let loaded = false
  const webgpu = async () => {
    loaded = true
    return options.webgpu ? options.webgpu() : { webgpu: async () => gpuBackend }
  }
  const backend = await pickBackend({
    wasmPaths,
    ...options,
    webgpu,
    onChoice: c => {
      choice = c
    }
  })
  return { backend, choice: choice!, loaded }
}
const adapter = (request: () => Promise<unknown>) => vi.stubGlobal('navigator', { gpu: { requestAdapter: request } })

describe('pickBackend', () => {
  beforeEach(() => {
    vi.stubGlobal('navigator', {})
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('selects WebGPU if there is an adapter', async () => {
    adapter(async () => ({}))
    expect(await pick()).toEqual({
      backend: gpuBackend,
      choice: { name: 'webgpu', because: 'there is a GPU adapter' },
      loaded: true
    })
  })

  it.each([
    ['no WebGPU', undefined, 'this browser does not support WebGPU'],
    ['no adapter', async () => null, 'the browser found no GPU adapter'],
    [
      'a refusal',
      () => Promise.reject(new Error('blocked')),
      'the browser rejected the request for a GPU adapter (blocked)'
    ]
  ])('selects wasm and does not load WebGPU with %s', async (_, request, because) => {
    if (request) adapter(request)
    const { backend, choice, loaded } = await pick()
    expect([backend.name, choice, loaded]).toEqual(['wasm', { name: 'wasm', because }, false])
  })

  it('selects wasm if the adapter provides no device', async () => {
    adapter(async () => ({}))
    const { choice } = await pick({
      webgpu: async () => ({
        webgpu: () => Promise.reject(new BackendError('E_BACKEND_UNAVAILABLE', 'the limits are too small'))
      })
    })
    expect(choice).toEqual({ name: 'wasm', because: 'the limits are too small' })
  })

  it('does not hide an unexpected error behind the fallback', async () => {
    adapter(async () => ({}))
    await expect(pick({ webgpu: () => Promise.reject(new TypeError('a bug')) })).rejects.toThrow('a bug')
  })

  it('selects the preferred backend, or reports why not', async () => {
    adapter(async () => ({}))
    expect((await pick({ prefer: 'wasm' })).loaded).toBe(false)
    adapter(async () => null)
    await expect(pick({ prefer: 'webgpu' })).rejects.toMatchObject({ code: 'E_BACKEND_UNAVAILABLE' })
  })
})
