import {
  BackendError,
  f32,
  graph,
  input,
  memoryWeights,
  ops,
  param,
  SamError,
  type Executable,
  type WeightSource
} from '@sam/core/graph'
import { afterEach, describe, expect, it } from 'vitest'
import { openDevice } from '../src/device.js'
import { checked } from '../src/dispatch.js'
import { schedule, webgpu, type WebGpuBackend } from '../src/index.js'

const x = input('x', [64, 64])
const deep = graph(
  'deep',
  { y: Array.from({ length: 40 }, (_, i) => i).reduce(y => ops.softmax(ops.linear(y, param('w', [64, 64]))), x) },
  [x]
)
const weights = memoryWeights({
  w: f32(
    [64, 64],
    Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i))
  )
})
const feeds = { x: f32([64, 64], new Float32Array(4096).fill(0.5)) }
const codeOf = (error: unknown): unknown => (SamError.is(error) ? error.code : error)

/** Replaces parts of `navigator.gpu` while `body` runs. */
async function withGpu<T>(change: (real: GPU) => Partial<GPU>, body: () => Promise<T>): Promise<T> {
  const probe = await webgpu()
  probe.dispose()
  const real = navigator.gpu
  const pretend = change(real)
  Object.defineProperty(navigator, 'gpu', { value: pretend, configurable: true })
  try {
    return await body()
  } finally {
    Object.defineProperty(navigator, 'gpu', { value: real, configurable: true })
  }
}

/** Makes all out-of-memory scopes of a device report an error, like a full GPU. Returns a function that undoes it. */
function withoutMemory(gpu: GPUDevice): () => void {
  const open: GPUErrorFilter[] = []
  const [push, pop] = [gpu.pushErrorScope.bind(gpu), gpu.popErrorScope.bind(gpu)]
  gpu.pushErrorScope = filter => {
    open.push(filter)
    push(filter)
  }
  gpu.popErrorScope = async () => {
    const filter = open.pop()
    const found = await pop()
    return filter === 'out-of-memory' ? new GPUOutOfMemoryError('no memory left') : found
  }
  return () => {
    Object.assign(gpu, { pushErrorScope: push, popErrorScope: pop })
  }
}

describe('failure handling', () => {
  let backend: WebGpuBackend | undefined
  afterEach(() => {
    backend?.dispose()
    backend = undefined
  })
  const lose = (b: WebGpuBackend): void => {
    b.device.destroy()
  }

  it('reports a missing adapter', async () => {
    const found = await withGpu(
      () => ({ requestAdapter: async () => null }),
      () => webgpu()
    ).catch((error: unknown) => error)
    expect(codeOf(found)).toBe('E_BACKEND_UNAVAILABLE')
  })

  it('reports limits that the adapter lacks', async () => {
    const found = await webgpu({ limits: { maxStorageBufferBindingSize: 2 ** 50 } }).catch((error: unknown) => error)
    expect(codeOf(found)).toBe('E_BACKEND_UNAVAILABLE')
  })

  it('rejects a tensor over a lowered limit before dispatching', async () => {
    backend = await webgpu({ limits: { maxStorageBufferBindingSize: 128 * 2 ** 20 } })
    const big = graph('big', { y: ops.exp(input('x', [33, 1024, 1024])) })
    await expect(backend.compile(big, memoryWeights({}))).rejects.toSatisfy(
      e => codeOf(e) === 'E_BACKEND_FAILED' && /134217728/.test((e as Error).message)
    )
    expect(backend.memory().usedBytes).toBe(0)
    expect(() => schedule(big)).toThrow(BackendError)
  })

  it('recovers executables after the device is destroyed during a run', async () => {
    backend = await webgpu()
    const executable = await backend.compile(deep, weights)
    const before = await (await executable.run(feeds)).y.read()
    const { y: kept } = await executable.run(feeds)
    const running = executable.run(feeds)
    lose(backend)
    const outcome = await running.then(async ({ y }) => y.read()).catch((error: unknown) => error)
    expect(codeOf(outcome)).toBe('E_DEVICE_LOST')
    expect(backend.lost()).toBeDefined()
    expect(codeOf(await kept.read().catch((e: unknown) => e))).toBe('E_DEVICE_LOST')
    expect(codeOf(await executable.run(feeds).catch((e: unknown) => e))).toBe('E_DEVICE_LOST')
    expect(codeOf(await backend.compile(deep, weights).catch((e: unknown) => e))).toBe('E_DEVICE_LOST')
    await backend.recover()
    expect(backend.lost()).toBeUndefined()
    expect((await (await executable.run(feeds)).y.read()).data).toEqual(before.data)
    expect(codeOf(await executable.run({ x: kept }).catch((e: unknown) => e))).toBe('E_DEVICE_LOST')
  })

  it('issue 19: continues a recovery that could not read weights when called again', async () => {
    let readable = true
    const flaky: WeightSource = {
      ...weights,
      read: async name => (readable ? weights.read(name) : Promise.reject(new Error('the network is down')))
    }
    backend = await webgpu()
    const executable = await backend.compile(deep, flaky)
    const before = await (await executable.run(feeds)).y.read()
    const running = executable.run(feeds)
    lose(backend)
    expect(codeOf(await running.then(async ({ y }) => y.read()).catch((e: unknown) => e))).toBe('E_DEVICE_LOST')
    readable = false
    await expect(backend.recover()).rejects.toThrow('the network is down')
    await expect(backend.recover()).rejects.toThrow('the network is down')
    readable = true
    await backend.recover()
    expect((await (await executable.run(feeds)).y.read()).data).toEqual(before.data)
  })

  it('frees all memory after an abort during loading of weights or a run', async () => {
    backend = await webgpu()
    const stop = new AbortController()
    const two = graph('two', { y: ops.matmul(param('w', [64, 64]), ops.matmul(param('v', [64, 64]), x)) }, [x])
    const host = await weights.read('w')
    const both = memoryWeights({ w: host, v: host })
    const stopping: WeightSource = {
      ...both,
      read: async name => {
        stop.abort(new Error('enough'))
        return both.read(name)
      }
    }
    await expect(backend.compile(two, stopping, { signal: stop.signal })).rejects.toThrow('enough')
    expect(backend.memory().usedBytes).toBe(0)
    const executable: Executable = await backend.compile(deep, weights)
    await (await executable.run(feeds)).y.read()
    const placed = backend.memory().usedBytes
    const controller = new AbortController()
    const running = executable.run(feeds, { signal: controller.signal })
    controller.abort(new Error('too late'))
    await expect(running).rejects.toThrow('too late')
    executable.dispose()
    backend.trim()
    expect(placed).toBeGreaterThan(0)
    expect(backend.memory().usedBytes).toBe(4 * 4096) // the first run's y, which is not disposed of
  })

  it('keeps resources disposed of during a run until its end', async () => {
    backend = await webgpu()
    const executable = await backend.compile(deep, weights)
    const { y } = await executable.run(feeds)
    const expected = await (await executable.run({ x: y })).y.read()
    const running = [executable.run({ x: y }), executable.run({ x: y })]
    y.dispose()
    executable.dispose()
    for (const run of running) expect((await (await run).y.read()).data).toEqual(expected.data)
  })

  it('attributes validation errors to the call that caused them', async () => {
    const device = await openDevice()
    const invalid = checked(device, 'trying', () => {
      device.gpu.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE })
    })
    const valid = checked(device, 'working', () => {
      device.gpu.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE }).destroy()
    })
    await expect(invalid).rejects.toSatisfy(
      e => codeOf(e) === 'E_BACKEND_FAILED' && /failed while trying/.test((e as Error).message)
    )
    await valid
    device.destroy()
  })

  it('reports out of memory with a typed error, and frees its buffers', async () => {
    backend = await webgpu()
    const short = async (work: () => Promise<unknown>): Promise<void> => {
      const before = backend!.memory().usedBytes
      const relieve = withoutMemory(backend!.device)
      try {
        await expect(work()).rejects.toSatisfy(
          e => codeOf(e) === 'E_OUT_OF_MEMORY' && /fewer prompts/.test((e as Error).message)
        )
      } finally {
        relieve()
      }
      expect(backend!.memory().usedBytes).toBe(before)
    }
    await short(() => backend!.compile(deep, weights))
    const executable = await backend.compile(deep, weights)
    await short(() => executable.run(feeds))
    const { y } = await executable.run(feeds)
    await short(() => y.read())
    expect((await y.read()).data.every(Number.isFinite)).toBe(true)
    executable.dispose()
    y.dispose()
    expect(backend.memory().usedBytes).toBe(0)
  })

  it('rejects calls of a disposed backend', async () => {
    backend = await webgpu()
    backend.dispose()
    expect(codeOf(await backend.compile(deep, weights).catch((e: unknown) => e))).toBe('E_DISPOSED')
  })
})
