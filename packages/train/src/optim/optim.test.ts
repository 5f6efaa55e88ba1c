import { describe, expect, it } from 'vitest'
import { configs } from '@sam/core'
import { constant, evaluate, f32, graph, type Value } from '@sam/core/graph'
import { clipFactor, globalNorm } from './clip-norm.js'
import { paramRule } from './groups.js'
import { depthOf, dropPathRates, layerDistance } from './layers.js'
import { learningRate } from './schedule.js'

const value = (y: Value): number => evaluate(graph('y', { y }), () => f32([], [0])).y.data[0]

describe('gradient clipping', () => {
  const norm = globalNorm([constant(f32([2], [3, 0])), constant(f32([1, 1], [4]))])
  it('globalNorm: is the norm over all gradients', () => expect(value(norm)).toBeCloseTo(5, 12))
  it('clipFactor: scales down gradients above the limit alone', () => {
    expect(value(clipFactor(norm, 1))).toBeCloseTo(0.2, 6)
    expect(value(clipFactor(norm, 10))).toBe(1)
  })
})

describe('learning rates', () => {
  it('rise linearly, then drop to a tenth at each step', () => {
    const schedule = { rate: 1, warmup: 10, steps: [20, 30], iterations: 40 }
    expect([0, 4, 9, 19, 20, 30].map(i => learningRate(schedule, i))).toEqual([
      0.1,
      0.5,
      1,
      1,
      0.1,
      expect.closeTo(0.01, 9) as number
    ])
  })
  it("decay with a layer's distance from the output", () => {
    const options = { encoder: configs.vit_b.imageEncoder, layerDecay: 0.6, weightDecay: 0.1 }
    expect(paramRule('image_encoder.blocks.11.mlp.lin1.weight', 2, options)).toEqual({
      rateScale: 0.6,
      weightDecay: 0.1
    })
    expect(paramRule('image_encoder.blocks.0.norm1.weight', 1, options)).toEqual({
      rateScale: 0.6 ** 12,
      weightDecay: 0
    })
    expect(paramRule('mask_decoder.iou_token.weight', 2, options)).toEqual({ rateScale: 1, weightDecay: 0 })
  })
  it('dropPathRates: rise with depth', () =>
    expect([0, 3, 6].map(i => dropPathRates(7, 0.4)[i])).toEqual([0, expect.closeTo(0.2, 9), expect.closeTo(0.4, 9)]))
})

describe('layers of MobileSAM', () => {
  const encoder = configs.mobile_sam.imageEncoder // stages of 2, 2, 6 and 2 blocks
  it('depthOf: counts the blocks of all stages', () => expect(depthOf(encoder)).toBe(12))
  it.each([
    ['patch_embed.seq.0.c.weight', 11],
    ['layers.0.blocks.0.conv1.c.weight', 11],
    ['layers.0.blocks.1.conv3.c.bias', 10],
    ['layers.0.downsample.conv1.c.weight', 10],
    ['layers.1.blocks.0.attn.qkv.weight', 9],
    ['layers.1.downsample.conv2.c.weight', 8],
    ['layers.2.blocks.0.mlp.fc1.weight', 7],
    ['layers.2.blocks.5.local_conv.c.weight', 2],
    ['layers.2.downsample.conv3.c.weight', 2],
    ['layers.3.blocks.1.mlp.fc2.weight', 0],
    ['neck.0.weight', 0]
  ])('layerDistance: %s is %i layers from the output, as TinyViT counts them', (name, distance) =>
    expect(layerDistance(`image_encoder.${name}`, encoder)).toBe(distance)
  )
  it('paramRule: exempts the table of attention biases from weight decay', () =>
    expect(
      paramRule('image_encoder.layers.2.blocks.5.attn.attention_biases', 2, {
        encoder,
        layerDecay: 0.8,
        weightDecay: 0.1
      })
    ).toEqual({ rateScale: expect.closeTo(0.64, 9) as number, weightDecay: 0 }))
})
