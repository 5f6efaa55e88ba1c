import { configs } from '@sam/core'
import { pointLabels } from '@sam/core/model'
import {
  evaluate,
  f32,
  full,
  memoryWeights,
  nameOf,
  tensor,
  toHost,
  type DeviceTensor,
  type HostTensor,
  type Value
} from '@sam/core/graph'
import { randomTensor } from '@sam/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, readAll } from '../../core/test/tiny-io.js'
import { trainingStep } from '../../train/src/step.js'
import { webgpu, type WebGpuBackend } from '../src/index.js'

const prompts = 3

/**
 * Inputs of a step besides the params. The second moments are non-zero, as in all steps but the first, where the update
 * depends only on the sign of the gradient.
 */
function feedOf(v: Value, i: number): HostTensor {
  const { shape } = v
  const name = nameOf(v)!
  if (name === 'point_labels')
    return tensor('i32', shape, [
      1,
      0,
      pointLabels.padding,
      2,
      3,
      pointLabels.padding,
      1,
      pointLabels.padding,
      pointLabels.padding
    ])
  if (name === 'token_mask') return f32(shape, [1, 1, 1, 1, 1, 0, 1, 1, 0])
  if (name === 'point_coords') return randomTensor(shape, { seed: i, range: [0, 127] })
  if (name === 'has_mask') return f32(shape, [1, 0, 0])
  if (name === 'returned') return f32(shape, [1, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1])
  if (name === 'weight') return f32(shape, [1, 1, 1])
  if (name === 'target')
    return f32(
      shape,
      randomTensor(shape, { seed: i }).data.map(v => (v > 0.3 ? 1 : 0))
    )
  if (name === 'rate') return f32(shape, [1])
  if (name === 'correction') return f32(shape, [0.5, 0.1])
  if (name.startsWith('adamw/m/')) return full('f32', shape, 0)
  if (name.startsWith('adamw/v/')) return randomTensor(shape, { seed: i, range: [1e-6, 2e-6] })
  // The image keeps all its branches, so that all params have a gradient.
  if (name.startsWith('drop/'))
    return f32(
      shape,
      randomTensor(shape, { seed: i }).data.map(v => (shape[0] === 1 || v > -0.8 ? 1 / 0.9 : 0))
    )
  return randomTensor(shape, { seed: i, range: name === 'mask_input' ? [-4, 4] : [-2, 2] })
}

/**
 * A full step (forward, the paper's loss, gradients, clipping, AdamW) against the reference evaluator in f64, with the
 * same inputs.
 */
describe('the tiny train step', () => {
  let backend: WebGpuBackend
  beforeAll(async () => {
    backend = await webgpu()
  })
  afterAll(() => backend.dispose())

  it('computes loss, moments and params of two steps, which stay on the device in between', async () => {
    const source = await openFixture('tiny-checkpoint.safetensors')
    const weights = await readAll(source)
    await source.close()
    const { graph } = trainingStep(configs['tiny-test'], {
      shape: { images: 1, prompts, points: 3 },
      dropPath: 0.1,
      dropout: 0.1,
      clipNorm: 1,
      weightDecay: 0.1,
      layerDecay: 0.8,
      accumulate: 1,
      frozenEncoder: false
    })
    const start = Object.fromEntries(graph.inputs.map((v, i) => [nameOf(v)!, weights[nameOf(v)!] ?? feedOf(v, i)]))
    const executable = await backend.compile(graph, memoryWeights({}))

    let [expected, found]: [Record<string, HostTensor>, Record<string, DeviceTensor>] = [{}, {}]
    for (let step = 0; step < 2; step++) {
      const state = <T>(outputs: Record<string, T>) =>
        Object.fromEntries(Object.entries(outputs).filter(([name]) => name in start))
      const fed = { ...start, ...state(expected) }
      expected = Object.fromEntries(
        Object.entries(evaluate(graph, leaf => fed[nameOf(leaf)!])).map(([name, t]) => [name, toHost(t)])
      )
      const before = found
      found = await executable.run({ ...start, ...state(before) })
      for (const t of Object.values(before)) t.dispose()
    }
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort())
    for (const [name, t] of Object.entries(found)) {
      // Moments are as exact as gradients. The gradient of a key's bias is 0, because softmax is invariant to it:
      // the computed one is f32 noise.
      const [moment, none] = [name.startsWith('adamw/'), /^adamw.*k_proj\.bias$/.test(name)]
      expect(error((await t.read()).data, expected[name].data, none ? 1e-4 : 0), name).toBeLessThan(
        moment ? 1e-3 : 1e-4
      )
      t.dispose()
    }
    executable.dispose()
  })
})

/** Largest difference relative to the largest expected magnitude, at least `floor`. */
function error(found: ArrayLike<number>, expected: ArrayLike<number>, floor: number): number {
  let [worst, scale] = [0, floor]
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]))
    const distance = Math.abs(found[i] - expected[i])
    worst = Math.max(worst, Number.isNaN(distance) ? Infinity : distance)
  }
  return found.length === expected.length ? worst && worst / scale : Infinity
}
