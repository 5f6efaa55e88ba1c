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

/** A GPU whose adapter or device is not what one hopes for. */
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

/** A device whose scopes for missing memory all report some, as a full GPU's do. Returns how to end it. */
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

  it('no adapter', async () => {
    const found = await withGpu(
      () => ({ requestAdapter: async () => null }),
      () => webgpu()
    ).catch((error: unknown) => error)
    expect(codeOf(found)).toBe('E_BACKEND_UNAVAILABLE')
  })

  it('limits the adapter does not have', async () => {
    const found = await webgpu({ limits: { maxStorageBufferBindingSize: 2 ** 50 } }).catch((error: unknown) => error)
    expect(codeOf(found)).toBe('E_BACKEND_UNAVAILABLE')
  })

  it('a tensor past a lowered limit is refused before anything is dispatched', async () => {
    backend = await webgpu({ limits: { maxStorageBufferBindingSize: 128 * 2 ** 20 } })
    const big = graph('big', { y: ops.exp(input('x', [33, 1024, 1024])) })
    await expect(backend.compile(big, memoryWeights({}))).rejects.toSatisfy(
      e => codeOf(e) === 'E_BACKEND_FAILED' && /134217728/.test((e as Error).message)
    )
    expect(backend.memory().usedBytes).toBe(0)
    expect(() => schedule(big)).toThrow(BackendError)
  })

  it('a device destroyed in the middle of a run, and recovery of what was compiled', async () => {
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

  it('issue 19: recovery that could not read weights goes on when it is called again', async () => {
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

  it('an abort while weights are placed, and while a graph runs, leaves no memory behind', async () => {
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
    const late = new AbortController()
    const running = executable.run(feeds, { signal: late.signal })
    late.abort(new Error('too late'))
    await expect(running).rejects.toThrow('too late')
    executable.dispose()
    backend.trim()
    expect(placed).toBeGreaterThan(0)
    expect(backend.memory().usedBytes).toBe(4 * 4096) // the first run's y, which nobody disposed of
  })

  it('what is disposed of during a run lives until its end', async () => {
    backend = await webgpu()
    const executable = await backend.compile(deep, weights)
    const { y } = await executable.run(feeds)
    const expected = await (await executable.run({ x: y })).y.read()
    const running = [executable.run({ x: y }), executable.run({ x: y })]
    y.dispose()
    executable.dispose()
    for (const run of running) expect((await (await run).y.read()).data).toEqual(expected.data)
  })

  it('what the device finds invalid is the error of the call that did it, and of no other', async () => {
    const device = await openDevice()
    const invalid = checked(device, 'trying', () => {
      device.gpu.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE })
    })
    const valid = checked(device, 'working', () => {
      device.gpu.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE }).destroy()
    })
    await expect(invalid).rejects.toSatisfy(
      e => codeOf(e) === 'E_BACKEND_FAILED' && /refused while trying/.test((e as Error).message)
    )
    await valid
    device.destroy()
  })

  it('a device without memory: a typed error, and what was taken is given back', async () => {
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

  it('a disposed backend', async () => {
    backend = await webgpu()
    backend.dispose()
    expect(codeOf(await backend.compile(deep, weights).catch((e: unknown) => e))).toBe('E_DISPOSED')
  })
})
