import { describe, expect, it } from 'vitest'
import { graph, paramsOf, valuesOf } from '../ir/graph.js'
import { input, nameOf, param } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { f32, tensor } from '../tensor/tensor.js'
import { memoryWeights } from '../weights/source.js'
import type { DeviceTensor, Feeds } from './backend.js'
import { checkFeeds } from './feeds.js'
import { hostBackend } from './host.js'
import { prepare } from './prepare.js'

const x = input('x', [2, 3])
const g = graph('step', { y: ops.softmax(ops.add(ops.mul(x, ops.sin(param('q', [3]))), param('p', [2, 3]))) }, [
  x,
  input('labels', [2], 'i32')
])
const weights = memoryWeights({ p: f32([2, 3], [1, 2, 3, 4, 5, 6]), q: f32([3], [0, 0, 0]), extra: f32([1], [1]) })

describe('prepare', () => {
  it('decomposes composites that are not kept, and splits off what depends on weights alone', () => {
    const fused = prepare(g, () => true, weights)
    expect(paramsOf(fused.setup).map(nameOf)).toEqual(['q'])
    expect(valuesOf(fused.run).map(v => v.op)).toContain('softmax')
    expect(fused.run.inputs.map(nameOf)).toEqual(['x', 'labels', ...Object.keys(fused.setup.outputs)])
    expect(valuesOf(prepare(g, () => false, weights).run).filter(v => v.composite)).toEqual([])
  })

  it('reports all missing and misshapen weights at once, and ignores additional ones', () => {
    expect(() => prepare(g, () => true, memoryWeights({ p: f32([3], [1, 2, 3]), extra: f32([1], [1]) })))
      .toThrowErrorMatchingInlineSnapshot(`
      [WeightsError: memory: the checkpoint does not fit the model (2 tensors wanted, 2 found)
        missing: 1
          q
        wrong shape: 1
          p: wanted [2,3], found [3]
      Check that the model and the checkpoint belong together.]
    `)
  })
})

describe('checkFeeds', () => {
  const labels = tensor('i32', [2], [0, 1])
  const message = (feeds: Feeds): string => {
    try {
      checkFeeds(g, feeds)
      return 'accepted'
    } catch (error) {
      return (error as Error).message
    }
  }

  it('requires exactly the declared inputs, used or not, with their shapes and types', () => {
    const image = f32([2, 3], [1, 2, 3, 4, 5, 6])
    expect(
      [
        { x: image, labels },
        { x: image },
        { x: f32([3, 2], [1, 2, 3, 4, 5, 6]), labels },
        { x: image, labels: f32([2], [0, 1]) },
        { x: image, labels, z: labels }
      ].map(message)
    ).toMatchInlineSnapshot(`
      [
        "accepted",
        "step: feeds must have i32[2] (labels), found nothing",
        "step: feeds must have f32[2,3] (x), found f32[3,2]",
        "step: feeds must have i32[2] (labels), found f32[2]",
        "step: feeds must be declared inputs (x, labels), found "z"",
      ]
    `)
  })

  it('checks a device tensor by its shape and type, without reading it', () => {
    const never: DeviceTensor = {
      shape: [2, 3],
      dtype: 'f32',
      read: () => {
        throw new Error('read')
      },
      dispose() {}
    }
    expect(message({ x: never, labels })).toBe('accepted')
  })
})

describe('hostBackend', () => {
  it('reports the bytes of the weights it needs', async () => {
    const calls: [number, number][] = []
    await hostBackend().compile(g, weights, { onProgress: (done, total) => calls.push([done, total]) })
    expect(calls).toEqual([
      [12, 36],
      [36, 36]
    ])
  })

  it('stops between two weights when aborted', async () => {
    const control = new AbortController()
    const reason = new Error('enough')
    const compiling = hostBackend().compile(g, weights, {
      signal: control.signal,
      onProgress: () => control.abort(reason)
    })
    await expect(compiling).rejects.toBe(reason)
  })

  it('rejects compilation after dispose', async () => {
    const backend = hostBackend()
    backend.dispose()
    backend.dispose()
    await expect(backend.compile(g, weights)).rejects.toMatchObject({
      code: 'E_DISPOSED',
      message: 'the backend was used after dispose(); create a new one'
    })
  })

  it('returns outputs that share no memory', async () => {
    const executable = await hostBackend().compile(graph('id', { x }, [x]), weights)
    const fed = f32([2, 3], [1, 2, 3, 4, 5, 6])
    const out = await executable.run({ x: fed })
    const first = await out.x.read()
    first.data.fill(0)
    expect([(await out.x.read()).data, fed.data]).toEqual([
      new Float32Array([1, 2, 3, 4, 5, 6]),
      new Float32Array([1, 2, 3, 4, 5, 6])
    ])
  })
})
