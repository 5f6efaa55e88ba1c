import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeMasks, encodeImage, pointLabels, tinyTest } from '@sam/core'
import { constant, differentiate, evaluate, f32, graph, input, nameOf, ops, substitute, tensor, type Exact, type Graph, type HostTensor, type Value } from '@sam/core/graph'
import { readFixture } from '../../core/test/fixture.js'
import { openFixture, readAll } from '../../core/test/tiny-io.js'
import { maskLoss, type MaskLoss } from '../src/losses/mask-loss.js'
import { adamw } from '../src/optim/adamw.js'
import { isTrained, paramRule } from '../src/optim/groups.js'
import { learningRate } from '../src/optim/schedule.js'

const fixture = readFixture('training')
const json = JSON.parse(readFileSync(new URL('../../../fixtures/training.json', import.meta.url), 'utf8')) as {
  lr_schedule: Record<string, number>
  adamw: { lr: number; betas: [number, number]; eps: number; schedule_steps: number[]; params: Record<string, { lr_scale: number; weight_decay: number }> }
}
const groups = { depth: 4, layerDecay: 0.8, weightDecay: 0.1 }

/**
 * Largest |found − expected| over the largest |expected|, which is taken as no less than 1e-4: a key's bias moves all scores alike, so that its true
 * gradient is 0 and what PyTorch gives for it is f32's noise of some 1e-8.
 */
function error(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [worst, scale] = [0, 1e-4]
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]))
    worst = Math.max(worst, Math.abs(found[i] - expected[i]))
  }
  return found.length === expected.length ? worst / scale : Infinity
}

/** The two steps of the fixture on one embedding: a point asks for three masks, two points with a mask prompt for one. */
function training(): Graph {
  const [image, target] = [input('image', [1, 3, 128, 128]), input('target', [2, 32, 32])]
  const embedding = substitute(encodeImage(tinyTest), v => nameOf(v) === 'image' ? image : undefined).outputs.image_embedding
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
    const { masks: logits, iou_predictions: iou } = substitute(decodeMasks(tinyTest, { prompts: 2, points: points + 1, masks }), v => v.op === 'input' ? feeds[nameOf(v)!] : undefined).outputs
    const returned = constant(f32([2, 4], masks ? [1, 0, 0, 0, 1, 0, 0, 0] : [0, 1, 1, 1, 0, 1, 1, 1]))
    return maskLoss({ logits: logits, iou: iou, target, returned, weight: ops.fill([2], 1) })
  }
  const [multi, single] = [step(1, false), step(2, true)]
  return graph('training', {
    loss: ops.add(multi.loss, single.loss), multi: multi.loss, single: single.loss,
    'multi/mask': multi.perMask, 'single/mask': single.perMask, 'multi/real_iou': multi.trueIou, 'single/real_iou': single.trueIou
  })
}

describe('training the tiny SAM, against PyTorch', async () => {
  const weights = await readAll(await openFixture('tiny-checkpoint.safetensors'))
  const image = fixture.u8('image')
  const [mean, std] = [[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]]
  const pixels = Float64Array.from({ length: 3 * 128 * 128 }, (_, i) => {
    const [channel, at] = [Math.floor(i / 16384), i % 16384]
    return (image.data[3 * at + channel] - mean[channel]) / std[channel]
  })
  const bind = (leaf: Value): HostTensor | Exact => leaf.op === 'param' ? weights[nameOf(leaf)!]
    : nameOf(leaf) === 'image' ? { shape: [1, 3, 128, 128], dtype: 'f32', data: pixels } : f32([2, 32, 32], fixture.f32('target').data)
  const names = Object.keys(json.adamw.params)
  const out = evaluate(differentiate(training(), { loss: 'loss', wrt: names }), bind)

  it('has the losses', () => {
    expect(error(out.loss.data, fixture.f32('loss').data)).toBeLessThan(1e-4)
    expect(error(out.multi.data, fixture.f32('multi/loss').data)).toBeLessThan(1e-4)
    expect(error(out.single.data, fixture.f32('single/loss').data)).toBeLessThan(1e-4)
    for (const key of ['mask', 'real_iou']) {
      const [three, one] = [out[`multi/${key}`].data, out[`single/${key}`].data]
      expect(error([...three.slice(1, 4), ...three.slice(5, 8)], fixture.f32(`multi/${key}`).data), key).toBeLessThan(1e-4)
      expect(error([one[0], one[4]], fixture.f32(`single/${key}`).data), key).toBeLessThan(1e-4)
    }
  })

  it('has all 199 gradients', () => {
    expect(names).toHaveLength(199)
    for (const name of names) expect(error(out[`grad/${name}`].data, fixture.f32(`grad/${name}`).data), name).toBeLessThan(1e-3)
  })

  it('takes the same three AdamW steps', () => {
    const { lr, schedule_steps: at } = json.adamw
    for (const name of names) {
      const { shape } = weights[name]
      const gradient = constant(f32(shape, fixture.f32(`grad/${name}`).data))
      const { rateScale, weightDecay } = paramRule(name, shape.length, groups)
      let state = { param: constant(weights[name]), m: ops.fill(shape, 0), v: ops.fill(shape, 0) }
      for (const [t, iteration] of at.entries()) {
        const rate = ops.scalar(rateScale * learningRate({ rate: lr, warmup: 250, steps: [60000, 86666], iterations: 90000 }, iteration))
        state = adamw(state, { gradient, rate, weightDecay, correction: [ops.scalar(1 - 0.9 ** (t + 1)), ops.scalar(1 - 0.999 ** (t + 1))] })
      }
      const { param } = evaluate(graph('adamw', { param: state.param }), bind)
      expect(error(param.data, fixture.f32(`adamw/${name}`).data), name).toBeLessThan(1e-4)
    }
  })

  it('gives each parameter its rate and its weight decay', () => {
    expect(Object.fromEntries(names.map(name => [name, paramRule(name, weights[name].shape.length, groups)]))).toEqual(
      Object.fromEntries(Object.entries(json.adamw.params).map(([name, p]) => [name, { rateScale: expect.closeTo(p.lr_scale, 9) as number, weightDecay: p.weight_decay }])))
    expect(Object.keys(weights).filter(name => !isTrained(name))).toEqual(['prompt_encoder.pe_layer.positional_encoding_gaussian_matrix'])
  })

  it('follows the schedule', () => {
    for (const [iteration, rate] of Object.entries(json.lr_schedule)) {
      expect(learningRate({ rate: 8e-4, warmup: 250, steps: [60000, 86666], iterations: 90000 }, Number(iteration)) / rate, iteration).toBeCloseTo(1, 9)
    }
  })
})
