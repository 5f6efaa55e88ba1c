import { configs, type WeightSource } from '@sam/core'
import { decodeMasks, encodeImage, upscaleMasks } from '@sam/core/model'
import { f32, tensor, type DeviceTensor, type Executable, type Feeds } from '@sam/core/graph'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { maxDifference, openFixture, promptSets } from '../../core/test/tiny-io.js'
import { webgpu, type WebGpuBackend } from '../src/index.js'

/** The tiny SAM end to end against PyTorch's numbers. */
describe.each([
  { precision: 'f32', tolerance: 2e-4 },
  { precision: 'f16', tolerance: 2e-2 }
] as const)('tiny SAM, precision: $precision', ({ precision, tolerance }) => {
  let backend: WebGpuBackend
  let weights: WeightSource
  let io: WeightSource
  beforeAll(async () => {
    backend = await webgpu({ precision })
    weights = await openFixture('tiny-checkpoint.safetensors')
    io = await openFixture('tiny-io.safetensors')
  })
  afterAll(() => backend.dispose())

  const expectClose = async (found: DeviceTensor, name: string): Promise<void> =>
    expect(maxDifference((await found.read()).data, (await io.read(name)).data), name).toBeLessThan(tolerance)
  const runOnce = async (executable: Executable, feeds: Feeds): Promise<Record<string, DeviceTensor>> => {
    const out = await executable.run(feeds)
    executable.dispose()
    return out
  }

  it('encodes, and decodes every prompt set from the embedding on the device', async () => {
    const encoded = await runOnce(await backend.compile(encodeImage(configs['tiny-test'], { blocks: true }), weights), {
      image: await io.read('input')
    })
    for (const [name, found] of Object.entries(encoded))
      await expectClose(found, name === 'image_embedding' ? name : `encoder/${name}`)
    const upscale = await backend.compile(
      upscaleMasks(configs['tiny-test'], { prompts: 1, masks: 4, inputSize: [85, 128], originalSize: [100, 150] }),
      weights
    )
    for (const { name, points, labels, mask } of await promptSets(io)) {
      const n = labels.length
      const out = await runOnce(
        await backend.compile(
          decodeMasks(configs['tiny-test'], { prompts: 1, points: n, masks: mask !== undefined }),
          weights
        ),
        {
          image_embedding: encoded.image_embedding,
          ...(n
            ? {
                point_coords: f32([1, n, 2], points),
                point_labels: tensor('i32', [1, n], labels),
                token_mask: f32(
                  [1, n],
                  labels.map(() => 1)
                )
              }
            : {}),
          ...(mask ? { mask_input: mask, has_mask: f32([1], [1]) } : {})
        }
      )
      await expectClose(out.iou_predictions, `${name}/iou_all`)
      await expectClose(out.masks, `${name}/low_res_all`)
      const { logits } = await upscale.run({ masks: out.masks })
      const { data } = await logits.read()
      expect(
        maxDifference(data.subarray(0, 100 * 150), (await io.read(`${name}/single/logits`)).data),
        `${name}/single/logits`
      ).toBeLessThan(tolerance)
      for (const t of [...Object.values(out), logits]) t.dispose()
    }
    for (const t of Object.values(encoded)) t.dispose()
    upscale.dispose()
  })

  it('frees everything', () => {
    backend.trim()
    expect(backend.memory()).toEqual({ usedBytes: 0, allocatedBytes: 0 })
  })
})
