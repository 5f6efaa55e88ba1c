import { describe, expect, it } from 'vitest'
import { f32 } from '../tensor/tensor.js'
import { foldedMobileSam } from './mobile-sam.js'
import { memoryWeights } from './source.js'

const at = 'image_encoder.patch_embed.seq.0'
const tensors = {
  [`${at}.c.weight`]: f32([2, 1, 1, 2], [1, 2, 3, 4]),
  [`${at}.bn.weight`]: f32([2], [2, 3]),
  [`${at}.bn.bias`]: f32([2], [0.5, -1]),
  [`${at}.bn.running_mean`]: f32([2], [1, 2]),
  [`${at}.bn.running_var`]: f32([2], [4 - 1e-5, 9 - 1e-5]),
  [`${at}.bn.num_batches_tracked`]: f32([1], [7]),
  'image_encoder.head.weight': f32([1], [0]),
  'image_encoder.norm_head.bias': f32([1], [0]),
  'image_encoder.layers.1.blocks.0.attn.attention_bias_idxs': f32([1], [0]),
  'image_encoder.layers.1.blocks.0.attn.norm.weight': f32([1], [5])
}

describe('foldedMobileSam', () => {
  it('folds each batch norm into its convolution and leaves out what SAM never uses', async () => {
    const source = foldedMobileSam(memoryWeights(tensors))
    expect([...source.names].sort()).toEqual([
      'image_encoder.layers.1.blocks.0.attn.norm.weight',
      `${at}.c.bias`,
      `${at}.c.weight`
    ])
    expect(source.info(`${at}.c.weight`)).toEqual({ name: `${at}.c.weight`, dtype: 'F32', shape: [2, 1, 1, 2] })
    expect([...(await source.read(`${at}.c.weight`)).data].map(v => +v.toFixed(6))).toEqual([1, 2, 3, 4])
    expect([...(await source.read(`${at}.c.bias`)).data].map(v => +v.toFixed(6))).toEqual([-0.5, -3])
  })

  it('returns any other source as it is', () => {
    const incomplete = Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.endsWith('.bn.bias')))
    for (const other of [{ x: f32([1], [0]) }, incomplete]) {
      const source = memoryWeights(other)
      expect(foldedMobileSam(source)).toBe(source)
    }
  })
})
