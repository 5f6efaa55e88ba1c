import { beforeAll, describe, expect, it } from 'vitest'
import { graph, paramsOf, type Graph } from '../src/ir/graph.js'
import { constant, input, nameOf } from '../src/ir/value.js'
import { scope } from '../src/nn/scope.js'
import * as ops from '../src/ops/index.js'
import { evaluate } from '../src/reference/evaluate.js'
import type { Exact } from '../src/reference/exact.js'
import { tinyTest } from '../src/sam/config.js'
import { decodeMasks, encodeImage, upscaleMasks } from '../src/sam/graphs.js'
import { densePositions, embedMasks, embedPoints } from '../src/sam/prompt-encoder.js'
import { f32, tensor, type HostTensor } from '../src/tensor/tensor.js'
import type { WeightSource } from '../src/weights/source.js'
import { maxDifference, openFixture, promptSets, readAll } from './tiny-io.js'

/** Every tensor of tiny-io, computed by the reference evaluator with the graphs of all backends. */
describe('tiny SAM against PyTorch', () => {
  let weights: Record<string, HostTensor>
  let io: WeightSource
  const run = (g: Graph, feeds: Record<string, HostTensor | Exact>): Record<string, Exact> =>
    evaluate(g, leaf => (leaf.op === 'param' ? weights : feeds)[nameOf(leaf)!])
  const expectClose = async (found: Exact, name: string): Promise<void> =>
    expect(maxDifference(found.data, (await io.read(name)).data), name).toBeLessThan(1e-5)

  beforeAll(async () => {
    weights = await readAll(await openFixture('tiny-checkpoint.safetensors'))
    io = await openFixture('tiny-io.safetensors')
  })

  it('has exactly the names and shapes of the checkpoint', () => {
    const shapes = new Map<string, readonly number[]>()
    for (const g of [encodeImage(tinyTest), decodeMasks(tinyTest, { prompts: 1, points: 2, masks: true })]) {
      for (const p of paramsOf(g)) shapes.set(nameOf(p)!, p.shape)
    }
    expect(Object.fromEntries(shapes)).toEqual(
      Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, [...shape]]))
    )
  })

  it('encodes the image, block by block', async () => {
    const out = run(encodeImage(tinyTest, { blocks: true }), { image: await io.read('input') })
    for (const [name, found] of Object.entries(out))
      await expectClose(found, name === 'image_embedding' ? name : `encoder/${name}`)
  })

  it('encodes positions, points and masks', async () => {
    const p = scope('prompt_encoder')
    const dense = run(graph('pe', { pe: ops.transpose(densePositions(p, { grid: 8, width: 32 }), [0, 3, 1, 2]) }), {})
    await expectClose(dense.pe, 'dense_pe')
    for (const { name, points, labels, mask } of await promptSets(io)) {
      const n = labels.length
      if (n) {
        const sparse = embedPoints(
          p,
          { coords: constant(f32([1, n, 2], points)), labels: constant(tensor('i32', [1, n], labels)) },
          { imageSize: 128, width: 32 }
        )
        await expectClose(run(graph('sparse', { sparse }), {}).sparse, `${name}/sparse`)
      }
      if (mask) {
        const embedded = ops.transpose(
          embedMasks(p, input('m', [1, 32, 32]), { maskChannels: 16, width: 32 }),
          [0, 3, 1, 2]
        )
        await expectClose(run(graph('dense', { dense: embedded }), { m: mask }).dense, `${name}/dense`)
      }
    }
  })

  it('decodes every prompt set, and upscales its masks', async () => {
    const image_embedding = await io.read('image_embedding')
    const upscale = upscaleMasks(tinyTest, { prompts: 1, masks: 4, inputSize: [85, 128], originalSize: [100, 150] })
    for (const { name, points, labels, mask } of await promptSets(io)) {
      const n = labels.length
      const out = run(decodeMasks(tinyTest, { prompts: 1, points: n, masks: mask !== undefined }), {
        image_embedding,
        point_coords: f32([1, n, 2], points),
        point_labels: tensor('i32', [1, n], labels),
        token_mask: f32(
          [1, n],
          labels.map(() => 1)
        ),
        ...(mask ? { mask_input: mask, has_mask: f32([1], [1]) } : {})
      })
      await expectClose(out.iou_predictions, `${name}/iou_all`)
      await expectClose(out.masks, `${name}/low_res_all`)
      const { logits } = run(upscale, { masks: out.masks })
      const plane = 100 * 150
      await expectClose({ ...logits, data: logits.data.subarray(0, plane) }, `${name}/single/logits`)
      await expectClose({ ...logits, data: logits.data.subarray(plane) }, `${name}/multi/logits`)
    }
  })

  it('decodes several padded prompts at once as one by one', async () => {
    const image_embedding = await io.read('image_embedding')
    const sets = (await promptSets(io)).filter(s => s.labels.length)
    const [n, p] = [5, sets.length]
    const row = <T>(values: readonly T[], fill: T, length: number): T[] => [
      ...values,
      ...new Array<T>(length - values.length).fill(fill)
    ]
    const out = run(decodeMasks(tinyTest, { prompts: p, points: n, masks: true }), {
      image_embedding,
      point_coords: f32(
        [p, n, 2],
        sets.flatMap(s => row(s.points, 7, 2 * n))
      ),
      point_labels: tensor(
        'i32',
        [p, n],
        sets.flatMap(s => row(s.labels, 1, n))
      ),
      token_mask: f32(
        [p, n],
        sets.flatMap(s =>
          row(
            s.labels.map(() => 1),
            0,
            n
          )
        )
      ),
      mask_input: f32(
        [p, 32, 32],
        sets.flatMap(s => [...(s.mask?.data ?? new Float32Array(1024).fill(3))])
      ),
      has_mask: f32(
        [p],
        sets.map(s => (s.mask ? 1 : 0))
      )
    })
    for (const [i, { name }] of sets.entries()) {
      const size = 4 * 32 * 32
      await expectClose(
        { ...out.masks, data: out.masks.data.subarray(i * size, (i + 1) * size) },
        `${name}/low_res_all`
      )
      await expectClose(
        { ...out.iou_predictions, data: out.iou_predictions.data.subarray(i * 4, i * 4 + 4) },
        `${name}/iou_all`
      )
    }
  })
})
