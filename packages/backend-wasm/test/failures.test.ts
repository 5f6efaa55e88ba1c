import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { f32, graph, input, memoryWeights, ops, param, type WeightSource } from '@sam/core/graph'
import { wasm } from '@sam/backend-wasm'
import { wasmPaths } from './wasm-files.js'

describe('files that are not served', () => {
  let server: Server
  let base: string
  beforeAll(async () => {
    server = createServer((request, response) =>
      request.url?.startsWith('/front') ? response.end('<!doctype html>') : response.writeHead(404).end()
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.close()
  })

  it.each([
    ['/missing', 'answered 404'],
    ['/front', 'not WebAssembly']
  ])('%s', async (path, why) => {
    const backend = wasm({ wasmPaths: base + path })
    await expect(backend).rejects.toMatchObject({ code: 'E_BACKEND_UNAVAILABLE' })
    await expect(backend).rejects.toThrow(why)
    await expect(backend).rejects.toThrow(`${base}${path}/ort-wasm-simd-threaded.wasm`)
  })

  it('do not prevent a later start, from one URL per file', async () => {
    const { href } = new URL('ort-wasm-simd-threaded.wasm', wasmPaths)
    const backend = await wasm({ wasmPaths: { wasm: href, mjs: href.replace(/wasm$/, 'mjs') } })
    expect(backend.name).toBe('wasm')
  })
})

describe('options', () => {
  it.each([{ threads: 0 }, { threads: 1.5 }, { decompose: 'some' as 'all' }])('%j', options =>
    expect(wasm({ wasmPaths, ...options })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  )

  it('rejects other threads than the runtime was started with', async () => {
    await wasm({ wasmPaths })
    await expect(wasm({ wasmPaths, threads: 2 })).rejects.toThrow('cross-origin isolated')
    vi.stubGlobal('crossOriginIsolated', true)
    await expect(wasm({ wasmPaths, threads: 2 })).rejects.toThrow(
      'must be 1, with which onnxruntime-web already runs here'
    )
    vi.unstubAllGlobals()
  })

  it('rejects other files than the runtime was started with', async () => {
    await wasm({ wasmPaths })
    await expect(wasm({ wasmPaths: 'http://127.0.0.1/elsewhere' })).rejects.toThrow('use the same files everywhere')
  })
})

describe('memory', () => {
  it('rejects more weights than fit into WebAssembly before allocating or reading them', async () => {
    const shape = [1 << 15, 1 << 14]
    const never = (): never => {
      throw new Error('was read')
    }
    const weights: WeightSource = {
      label: 'huge',
      names: ['w'],
      metadata: {},
      has: () => true,
      info: name => ({ name, dtype: 'F32', shape }),
      read: never,
      bytes: never,
      head: never,
      locate: () => undefined,
      close: async () => {}
    }
    const backend = await wasm({ wasmPaths })
    await expect(backend.compile(graph('huge', { y: ops.neg(param('w', shape)) }), weights)).rejects.toMatchObject({
      code: 'E_OUT_OF_MEMORY'
    })
  })
})

describe('an abort', () => {
  const reason = new Error('enough')
  const x = f32([4], [1, 2, 3, 4])
  const g = graph('g', { y: ops.mul(ops.add(input('x', [4]), ops.sin(param('w', [4]))), 2) })
  const weights = memoryWeights({ w: f32([4], [0, 0, 0, 0]) })

  it('during a run rejects at once, before the runs queued ahead of it', async () => {
    const executable = await (await wasm({ wasmPaths })).compile(g, weights)
    const order: string[] = []
    const abort = new AbortController()
    const before = executable.run({ x }).then(() => order.push('run before'))
    const aborted = executable.run({ x }, { signal: abort.signal }).catch((error: unknown) => {
      order.push('abort')
      return error
    })
    abort.abort(reason)
    expect(await aborted).toBe(reason)
    await before
    expect(order).toEqual(['abort', 'run before'])
    const { y } = await executable.run({ x })
    expect([...(await y.read()).data]).toEqual([2, 4, 6, 8])
  })

  it('during compilation rejects, and the backend stays usable', async () => {
    const backend = await wasm({ wasmPaths })
    const abort = new AbortController()
    const compiling = backend.compile(g, weights, { signal: abort.signal })
    abort.abort(reason)
    await expect(compiling).rejects.toBe(reason)
    const { y } = await (await backend.compile(g, weights)).run({ x })
    expect([...(await y.read()).data]).toEqual([2, 4, 6, 8])
  })
})
