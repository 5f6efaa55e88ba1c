import { readFileSync } from 'node:fs'
import { configs } from '@sam/core'
import { decodeMasks, encodeImage, pointLabels } from '@sam/core/model'
import {
  constant,
  evaluate,
  f32,
  graph,
  input,
  memoryWeights,
  nameOf,
  ops,
  substitute,
  tensor,
  type Backend,
  type Graph,
  type HostTensor,
  type Value
} from '@sam/core/graph'
import { readFixture } from '../../core/test/fixture.js'
import { openFixture, readAll } from '../../core/test/tiny-io.js'
import { maskLoss, type MaskLoss } from '../src/losses/mask-loss.js'
import { adamw } from '../src/optim/adamw.js'
import { paramRule } from '../src/optim/groups.js'

/** PyTorch's results for the tiny SAM: fixtures/training.safetensors and .json. */
export const fixture = readFixture('training')
export const json = JSON.parse(readFileSync(new URL('../../../fixtures/training.json', import.meta.url), 'utf8')) as {
  lr_schedule: Record<string, number>
  adamw: {
    lr: number
    betas: [number, number]
    eps: number
    schedule_steps: number[]
    params: Record<string, { lr_scale: number; weight_decay: number }>
  }
}
export const groups = { encoder: configs['tiny-test'].imageEncoder, layerDecay: 0.8, weightDecay: 0.1 }
export const names = Object.keys(json.adamw.params)
const checkpoint = await openFixture('tiny-checkpoint.safetensors')
export const weights = await readAll(checkpoint)
await checkpoint.close()

/** Largest |found − expected| over the largest |expected|, which is taken as no less than `floor`. */
export function error(found: ArrayLike<number>, expected: ArrayLike<number>, floor = 0): number {
  let [worst, scale] = [0, floor]
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]))
    const distance = Math.abs(found[i] - expected[i])
    worst = Math.max(worst, Number.isNaN(distance) ? Infinity : distance)
  }
  return found.length !== expected.length ? Infinity : worst && worst / scale
}

/** Computes a graph's outputs with the fixture's weights as params. */
export type Run = (g: Graph, feeds?: Readonly<Record<string, HostTensor>>) => Promise<Record<string, ArrayLike<number>>>

/** In f64, by the reference evaluator. */
export const inF64: Run = async (g, feeds = {}) => {
  const out = evaluate(g, leaf => (leaf.op === 'param' ? weights : feeds)[nameOf(leaf)!])
  return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, data]))
}

export const on =
  (backend: Backend): Run =>
  async (g, feeds = {}) => {
    const executable = await backend.compile(g, memoryWeights(weights))
    const out: Record<string, ArrayLike<number>> = {}
    for (const [name, t] of Object.entries(await executable.run(feeds))) {
      out[name] = (await t.read()).data
      t.dispose()
    }
    executable.dispose()
    return out
  }

/** The normalised image, and the truth of both prompts. */
export function batch(): Record<string, HostTensor> {
  const image = fixture.u8('image')
  const [mean, std] = [
    [123.675, 116.28, 103.53],
    [58.395, 57.12, 57.375]
  ]
  const pixels = Float32Array.from({ length: 3 * 128 * 128 }, (_, i) => {
    const [channel, at] = [Math.floor(i / 16384), i % 16384]
    return (image.data[3 * at + channel] - mean[channel]) / std[channel]
  })
  return { image: f32([1, 3, 128, 128], pixels), target: f32([2, 32, 32], fixture.f32('target').data) }
}

/**
 * The two steps of the fixture on one embedding: a point with three masks, two points and a mask prompt with one.
 */
export function training(): Graph {
  const [image, target] = [input('image', [1, 3, 128, 128]), input('target', [2, 32, 32])]
  const embedding = substitute(encodeImage(configs['tiny-test']), v => (nameOf(v) === 'image' ? image : undefined))
    .outputs.image_embedding
  const coords = fixture.f32('point_coords').data
  const step = (points: number, masks: boolean): MaskLoss => {
    const own = (i: number): number[] => [...coords.slice(4 * i, 4 * i + 2 * points), 0, 0]
    const labels = [...[1, 0].slice(0, points), pointLabels.padding]
    const feeds: Record<string, Value> = {
      image_embedding: embedding,
      point_coords: constant(f32([2, points + 1, 2], [...own(0), ...own(1)])),
      point_labels: constant(tensor('i32', [2, points + 1], [...labels, ...labels])),
      token_mask: ops.fill([2, points + 1], 1),
      has_mask: ops.fill([2], 1),
      mask_input: constant(f32([2, 32, 32], fixture.f32('mask_prompt').data))
    }
    const decoder = decodeMasks(configs['tiny-test'], { prompts: 2, points: points + 1, masks })
    const { masks: logits, iou_predictions: iou } = substitute(decoder, v =>
      v.op === 'input' ? feeds[nameOf(v)!] : undefined
    ).outputs
    const returned = constant(f32([2, 4], masks ? [1, 0, 0, 0, 1, 0, 0, 0] : [0, 1, 1, 1, 0, 1, 1, 1]))
    return maskLoss({ logits, iou, target, returned, weight: ops.fill([2], 1) })
  }
  const [multi, single] = [step(1, false), step(2, true)]
  return graph('training', {
    loss: ops.add(multi.loss, single.loss),
    multi: multi.loss,
    single: single.loss,
    'multi/mask': multi.perMask,
    'single/mask': single.perMask,
    'multi/real_iou': multi.trueIou,
    'single/real_iou': single.trueIou
  })
}

/**
 * Three steps of AdamW for every param, on PyTorch's gradients (inputs `grad/<name>`), at three positions of the
 * schedule (inputs `rate/<i>`).
 */
export function threeSteps(): Graph {
  return graph(
    'adamw',
    Object.fromEntries(
      names.map(name => {
        const { shape } = weights[name]
        const gradient = input(`grad/${name}`, shape)
        const { rateScale, weightDecay } = paramRule(name, shape.length, groups)
        let state = { param: input(`from/${name}`, shape), m: ops.fill(shape, 0), v: ops.fill(shape, 0) }
        for (const t of json.adamw.schedule_steps.keys()) {
          const correction = [ops.scalar(1 - 0.9 ** (t + 1)), ops.scalar(1 - 0.999 ** (t + 1))] as const
          state = adamw(state, { gradient, rate: ops.mul(input(`rate/${t}`, []), rateScale), weightDecay, correction })
        }
        return [name, state.param]
      })
    )
  )
}
