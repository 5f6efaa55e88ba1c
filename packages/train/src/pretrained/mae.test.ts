import { describe, expect, it } from 'vitest'
import { configs, type SamConfig } from '@sam/core'
import { applyTaps, f32, memoryWeights, sizeOf, type HostTensor, type Shape, type WeightSource } from '@sam/core/graph'
import { writeSafetensors } from '@sam/core/model'
import { randomTensor, referenceBackend } from '@sam/core/testing'
import { scenes } from '@sam/scenes'
import { initialParams } from './init.js'
import { testRun } from '../../test/test-recipe.js'
import { trainer } from '../trainer.js'
import { bicubicTaps } from './bicubic.js'
import { fromMae } from './from-mae.js'

const { config } = testRun
const width = 16

/** A checkpoint as MAE's pretraining leaves it: images of 6 × 6 patches of 14 pixels, a decoder of one block. */
function mae({ side = 6, patch = 14 } = {}): Record<string, HostTensor<'f32'>> {
  const block = (d: number): Record<string, Shape> => ({
    'norm1.weight': [d],
    'norm1.bias': [d],
    'attn.qkv.weight': [3 * d, d],
    'attn.qkv.bias': [3 * d],
    'attn.proj.weight': [d, d],
    'attn.proj.bias': [d],
    'norm2.weight': [d],
    'norm2.bias': [d],
    'mlp.fc1.weight': [2 * d, d],
    'mlp.fc1.bias': [2 * d],
    'mlp.fc2.weight': [d, 2 * d],
    'mlp.fc2.bias': [d]
  })
  const shapes: Record<string, Shape> = {
    cls_token: [1, 1, width],
    pos_embed: [1, 1 + side * side, width],
    mask_token: [1, 1, 8],
    decoder_pos_embed: [1, 1 + side * side, 8],
    'patch_embed.proj.weight': [width, 3, patch, patch],
    'patch_embed.proj.bias': [width],
    'norm.weight': [width],
    'norm.bias': [width],
    'decoder_embed.weight': [8, width],
    'decoder_embed.bias': [8],
    'decoder_norm.weight': [8],
    'decoder_norm.bias': [8],
    'decoder_pred.weight': [588, 8],
    'decoder_pred.bias': [588]
  }
  for (const [name, shape] of Object.entries(block(width)))
    for (const i of [0, 1]) shapes[`blocks.${i}.${name}`] = shape
  for (const [name, shape] of Object.entries(block(8))) shapes[`decoder_blocks.0.${name}`] = shape
  return Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, randomTensor(shape, { seed: i })]))
}

describe('bicubicTaps', () => {
  it('resize as torch.nn.functional.interpolate does', () => {
    const squares = Float32Array.from({ length: 9 }, (_, i) => i * i)
    const wider = applyTaps(bicubicTaps(3, 4), applyTaps(bicubicTaps(3, 5), squares, { inner: 3 }), { outer: 5 })
    const torch = [
      -0.8944332599639893, -0.8590970039367676, 0.48007577657699585, 2.1579906940460205, 1.3401321172714233,
      2.8625307083129883, 6.526443958282471, 9.69141960144043, 8.49755859375, 12.48876953125, 20.01220703125,
      25.64599609375, 25.37498664855957, 31.835010528564453, 43.21796798706055, 51.32057571411133, 37.6175651550293,
      45.56465530395508, 59.27236557006836, 68.86203002929688
    ]
    torch.forEach((v, i) => expect(wider[i]).toBeCloseTo(v, 4))
    const fewer = applyTaps(bicubicTaps(5, 3), [1, -2, 3, 5, 0.5])
    ;[-0.22222095727920532, 3, 2.0277764797210693].forEach((v, i) => expect(fewer[i]).toBeCloseTo(v, 5))
    expect([...applyTaps(bicubicTaps(1, 3), [7])]).toEqual([7, 7, 7])
  })
})

describe('fromMae', () => {
  it("takes blocks, patch embedding and patch positions under SAM's names, and initialises the rest", async () => {
    const given = mae({ side: 4, patch: 16 })
    const params = await fromMae(memoryWeights(given), config, { seed: 5 })
    const fresh = initialParams(config, 5)
    expect(Object.keys(params)).toEqual(Object.keys(fresh))
    expect(params['image_encoder.blocks.1.mlp.lin2.weight']).toEqual(given['blocks.1.mlp.fc2.weight'])
    expect(params['image_encoder.blocks.0.attn.qkv.bias']).toEqual(given['blocks.0.attn.qkv.bias'])
    expect(params['image_encoder.patch_embed.proj.weight']).toEqual(given['patch_embed.proj.weight'])
    expect(params['image_encoder.pos_embed']).toEqual(f32([1, 4, 4, width], given.pos_embed.data.subarray(width)))
    expect(params['image_encoder.blocks.1.attn.rel_pos_h']).toEqual(f32([7, 8], new Float32Array(56)))
    for (const name of Object.keys(fresh).filter(name => !name.startsWith('image_encoder.') || name.includes('neck')))
      expect(params[name], name).toEqual(fresh[name])
  })

  it("resizes positions to the model's grid and the kernel to its patches, bicubically", async () => {
    const given = mae()
    // A ramp down the rows stays a ramp, away from the border and up to the error of torch's kernel on a straight line.
    for (let i = 0; i < 36; i++) given.pos_embed.data.fill(Math.floor(i / 6), (1 + i) * width, (2 + i) * width)
    given['patch_embed.proj.weight'].data.fill(0.5)
    const params = await fromMae(memoryWeights(given), { ...config, imageSize: 12 * 16 })
    const { shape, data } = params['image_encoder.pos_embed']
    expect(shape).toEqual([1, 12, 12, width])
    for (const row of [4, 5, 6, 7])
      for (let column = 0; column < 12; column++)
        expect(data[(12 * row + column) * width]).toBeCloseTo((row + 0.5) / 2 - 0.5, 1)
    expect(params['image_encoder.patch_embed.proj.weight'].shape).toEqual([width, 3, 16, 16])
    for (const v of params['image_encoder.patch_embed.proj.weight'].data) expect(v).toBeCloseTo(0.5, 6)
  })

  it("reads MAE's file layout, and no tensor that it does not use", async () => {
    const chunks: Uint8Array[] = []
    for await (const chunk of writeSafetensors(
      Object.fromEntries(Object.entries(mae()).map(([name, t]) => [`model.${name}`, t]))
    ))
      chunks.push(chunk)
    const params = await fromMae(
      new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer()),
      config
    )
    const source = memoryWeights(mae())
    const read: string[] = []
    const watched: WeightSource = {
      ...source,
      bytes: name => {
        read.push(name)
        return source.bytes(name)
      }
    }
    expect(await fromMae(watched, config)).toEqual(params)
    expect(read.filter(name => /^(decoder|cls_|mask_|norm)/.test(name))).toEqual([])
    expect(read).toHaveLength(2 * 12 + 3)
  })

  it('reports all mismatches at once', async () => {
    const given = Object.fromEntries(Object.entries(mae()).filter(([name]) => name !== 'blocks.0.norm1.weight'))
    const bad = {
      ...given,
      'blocks.2.norm1.weight': f32([16], new Float32Array(16)),
      pos_embed: f32([1, 35, 16], new Float32Array(560)),
      'head.weight': f32([1], [0])
    }
    await expect(fromMae(memoryWeights(bad), config)).rejects.toMatchObject({
      code: 'E_WEIGHTS_MISMATCH',
      missing: ['image_encoder.blocks.0.norm1.weight'],
      unexpected: ['image_encoder.blocks.2.norm1.weight', 'image_encoder.head.weight'],
      misshapen: [{ name: 'image_encoder.pos_embed', wanted: [1, 37, 16], found: [1, 35, 16] }]
    })
    await expect(fromMae(memoryWeights({}), config)).rejects.toMatchObject({ code: 'E_WEIGHTS_MISMATCH' })
    const custom: SamConfig = {
      ...configs.vit_b,
      imageEncoder: { stride: 16, name: 'other', encode: (_, image) => image }
    }
    await expect(fromMae(memoryWeights({}), custom)).rejects.toThrow('MAE pretrains a ViT')
  })

  it('returns a state to train from', async () => {
    const state = await fromMae(memoryWeights(mae()), config)
    expect(
      Object.values(state).every(({ shape, data }) => sizeOf(shape) === data.length && data.every(Number.isFinite))
    ).toBe(true)
    const t = await trainer({
      recipe: testRun,
      data: scenes({ size: 64, seed: 1, minArea: 60 }),
      backend: referenceBackend(),
      seed: 3,
      state
    })
    expect((await t.trainStep()).loss).toBeGreaterThan(0)
    t.dispose()
  })
})
