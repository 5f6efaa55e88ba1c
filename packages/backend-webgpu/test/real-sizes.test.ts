import {
  evaluate,
  graph,
  input,
  memoryWeights,
  nameOf,
  ops,
  param,
  paramsOf,
  type HostTensor,
  type Value
} from '@sam/core/graph'
import { maxError, randomTensor } from '@sam/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDevice } from '../src/device.js'
import { checked, dispatch } from '../src/dispatch.js'
import { webgpu, type WebGpuBackend } from '../src/index.js'
import { contraction, strided } from '../src/kernels/contraction.js'
import { largeTiles } from '../src/kernels/tile.js'
import { allocate, resident, upload } from '../src/memory.js'
import { fastestTile } from '../src/tune.js'

/**
 * The fused kernels at the sizes of ViT-B, L and H: original head widths, windows and layer widths, with grids and rows
 * reduced so that an emulated GPU takes seconds.
 */
describe('kernels at real sizes', () => {
  let backend: WebGpuBackend
  beforeAll(async () => {
    backend = await webgpu()
  })
  afterAll(() => backend.dispose())

  async function expectExact(build: () => Value): Promise<void> {
    const g = graph('kernel', { y: build() })
    const numbers = (leaves: readonly Value[]): Record<string, HostTensor> =>
      Object.fromEntries(
        leaves.map((v, i) => [nameOf(v)!, randomTensor(v.shape, { seed: i + v.shape.length, range: [-1, 1] })])
      )
    const [weights, feeds] = [numbers(paramsOf(g)), numbers(g.inputs)]
    const expected = evaluate(g, leaf => (leaf.op === 'param' ? weights : feeds)[nameOf(leaf)!])
    const executable = await backend.compile(g, memoryWeights(weights))
    const { y } = await executable.run(feeds)
    expect(maxError((await y.read()).data, expected.y.data)).toBeLessThan(1e-5)
    y.dispose()
    executable.dispose()
  }

  const grid = ({
    size: [h, w],
    heads,
    d,
    window
  }: {
    size: readonly [number, number]
    heads: number
    d: number
    window: number
  }): Value => {
    const channels = heads * d
    const side = (n: number): number => 2 * (window || n) - 1
    return ops.gridAttention(input('qkv', [1, h, w, 3 * channels]), {
      heads,
      window,
      border: param('border', [3 * channels]),
      relPos: [param('rows', [side(h), d]), param('columns', [side(w), d])]
    })
  }

  for (const d of [64, 80]) {
    it(`global attention, heads of ${d}`, () => expectExact(() => grid({ size: [10, 32], heads: 1, d, window: 0 })))
    it(`global attention of a grid that tiles do not divide, heads of ${d}`, () =>
      expectExact(() => grid({ size: [9, 11], heads: 2, d, window: 0 })))
    // A grid of 64 in windows of 14 ends in a window with 6 rows of padding, as does one of 22.
    it(`attention in windows of 14, heads of ${d}, with padding`, () =>
      expectExact(() => grid({ size: [22, 22], heads: 1, d, window: 14 })))
  }
  it('linear 768 → 3072 with gelu', () =>
    expectExact(() =>
      ops.gelu(ops.linear(input('x', [1, 5, 14, 768]), param('weight', [3072, 768]), param('bias', [3072])))
    ))
  it('linear 1280 → 256 with a residual', () =>
    expectExact(() =>
      ops.add(
        input('residual', [70, 256]),
        ops.linear(input('x', [70, 1280]), param('weight', [256, 1280]), param('bias', [256]))
      )
    ))
  it('layerNorm of 1280', () =>
    expectExact(() =>
      ops.layerNorm(input('x', [1, 4, 5, 1280]), [param('weight', [1280]), param('bias', [1280])], { eps: 1e-6 })
    ))
  it('conv2d 3×3 of 256', () =>
    expectExact(() => ops.conv2d(input('x', [1, 6, 7, 256]), [param('weight', [64, 256, 3, 3])], { padding: 1 })))
  it('patches of 16', () =>
    expectExact(() =>
      ops.conv2d(
        ops.transpose(input('x', [1, 3, 64, 48]), [0, 2, 3, 1]),
        [param('weight', [96, 3, 16, 16]), param('bias', [96])],
        { stride: 16 }
      )
    ))

  it('every candidate tile of tuning', async () => {
    const [x, w] = [randomTensor([130, 96], { seed: 1 }), randomTensor([70, 96], { seed: 2 })]
    const g = graph('product', { y: ops.linear(input('x', [130, 96]), param('w', [70, 96])) })
    const expected = evaluate(g, leaf => (leaf.op === 'param' ? w : x))
    const device = await openDevice()
    const infos = [upload(device, x), upload(device, w)]
    const operand = { batch: 0, row: 96, k: 1, offset: 0, depth: 96 }
    for (const tile of largeTiles) {
      const program = contraction({
        name: 'product',
        batch: 1,
        rows: 130,
        columns: 70,
        depth: 96,
        a: strided('a', operand),
        b: strided('b', operand),
        tile,
        epilogue: {}
      })
      const result = allocate(device, 130 * 70, 'f32')
      await checked(device, 'a tile', () => dispatch(device, program, { inputs: infos, result }))
      const found = await resident(device, result, { shape: [130, 70], dtype: 'f32' }).read()
      expect(maxError(found.data, expected.y.data), `${tile.threads} × ${tile.each}`).toBeLessThan(1e-5)
    }
    device.destroy()
  })

  it('tuning measures a fast device, and frees its memory', async () => {
    const device = await openDevice()
    let clock = 0
    const ticks = [0, 1, 0, 1] // the probe is fast
    const now = (): number => {
      clock += ticks.shift() ?? 10
      return clock
    }
    const limited = { ...device, limits: { ...device.limits, sharedBytes: 5000 } } // only the medium tile fits: one candidate is enough here
    expect(await fastestTile(limited, { now, size: { rows: 64, columns: 64, depth: 32 } })).toBe(largeTiles[3])
    expect(device.tfjs.memory()).toMatchObject({ numBytesInGPU: 0 })
    device.destroy()
  })
})
