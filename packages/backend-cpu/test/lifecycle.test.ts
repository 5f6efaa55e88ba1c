import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  f32,
  graph,
  input,
  memoryWeights,
  ops,
  param,
  type Backend,
  type Executable,
  type HostTensor
} from '@sam/core/graph'
import { cpu } from '@sam/backend-cpu'

const n = 384
/** A chain of products that takes long enough to be interrupted. */
const slow = graph('slow', {
  y: Array.from({ length: 200 }).reduce<ReturnType<typeof input>>(
    y => ops.matmul(y, param('w', [n, n])),
    input('x', [n, n])
  )
})
const weights = memoryWeights({
  w: f32(
    [n, n],
    Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) ? 0 : 1))
  )
})
const x: HostTensor = f32([n, n], new Float32Array(n * n).fill(3))

describe('runs, aborts and disposal', () => {
  let backend: Backend
  let executable: Executable
  beforeAll(async () => {
    backend = await cpu({ threads: 1 })
    executable = await backend.compile(slow, weights)
  })
  afterAll(() => backend.dispose())

  it('do not block the event loop', async () => {
    let ticks = 0
    const ticking = setInterval(() => ticks++, 1)
    const { y } = await executable.run({ x })
    clearInterval(ticking)
    expect(ticks).toBeGreaterThan(3)
    y.dispose()
  })

  it('an abort rejects with its reason before the end of the run, and the next run is correct', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const order: string[] = []
    const unaborted = executable.run({ x }).then(({ y }) => {
      order.push('first run')
      y.dispose()
    })
    const aborted = executable.run({ x }, { signal: abort.signal }).catch((error: unknown) => {
      order.push('abort')
      return error
    })
    abort.abort(reason)
    expect(await aborted).toBe(reason)
    await unaborted
    expect(order).toEqual(['abort', 'first run'])
    const { y } = await executable.run({ x })
    expect((await y.read()).data.every(v => v === 3)).toBe(true)
    y.dispose()
  })

  it('an abort during compilation frees everything', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const compiling = backend.compile(slow, weights, { signal: abort.signal })
    abort.abort(reason)
    await expect(compiling).rejects.toBe(reason)
    await expect(
      executable
        .run({ x })
        .then(({ y }) => y.read())
        .then(({ data }) => data[0])
    ).resolves.toBe(3)
    expect(readdirSync(tmpdir()).filter(name => name.startsWith(`sam-onnx-${process.pid}-`))).toEqual([])
  })

  it('an executable disposed during runs completes them', async () => {
    const own = await backend.compile(slow, weights)
    const running = [own.run({ x }), own.run({ x })]
    own.dispose()
    for (const { y } of await Promise.all(running)) {
      expect((await y.read()).data[7]).toBe(3)
      y.dispose()
    }
    await expect(own.run({ x })).rejects.toMatchObject({ code: 'E_DISPOSED' })
  })

  it('a tensor disposed while a run that uses it is queued stays valid for that run', async () => {
    const first = await executable.run({ x })
    const second = executable.run({ x: first.y })
    first.y.dispose()
    expect((await (await second).y.read()).data[0]).toBe(3)
  })

  it('read returns a copy', async () => {
    const { y } = await executable.run({ x })
    const { data } = await y.read()
    data.fill(0)
    expect((await y.read()).data[0]).toBe(3)
    y.dispose()
  })

  it('tensors of another backend are rejected by name', async () => {
    const other = await cpu({ threads: 1 })
    const { y } = await executable.run({ x })
    const elsewhere = await other.compile(slow, weights)
    await expect(elsewhere.run({ x: y })).rejects.toMatchObject({
      code: 'E_GRAPH',
      message: expect.stringContaining('another backend')
    })
    other.dispose()
  })

  it('a backend disposed during a run and a compilation rejects both, and all later calls', async () => {
    const own = await cpu({ threads: 1 })
    const loaded = await own.compile(slow, weights)
    const { y } = await loaded.run({ x })
    const waiting = [loaded.run({ x }), own.compile(slow, weights)]
    own.dispose()
    own.dispose()
    const settled = await Promise.allSettled([...waiting, loaded.run({ x }), own.compile(slow, weights), y.read()])
    for (const found of settled) expect(found).toMatchObject({ status: 'rejected', reason: { code: 'E_DISPOSED' } })
    y.dispose()
    loaded.dispose()
  })
})

describe('options', () => {
  it.each([
    { threads: 0 },
    { threads: 1.5 },
    { memory: 'huge' as 'lean' },
    { decompose: 'some' as 'all' },
    { device: 0 }
  ])('%o is rejected', async options => {
    await expect(cpu(options)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })

  it('a misspelt option is rejected with the nearest name', async () => {
    await expect(cpu({ thread: 2 } as object)).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      message: "cpu: unknown option 'thread'; did you mean 'threads'?"
    })
  })
})
