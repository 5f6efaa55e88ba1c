import { describe, expect, it } from 'vitest'
import { paramsOf } from '../ir/graph.js'
import { nameOf } from '../ir/value.js'
import { hashWeights } from '../weights/hash-fill.js'
import { weightSource, type WeightSource } from '../weights/source.js'
import { SamError } from '../errors.js'
import { configs, mobileSam, tinyTest, vitB, type SamConfig } from './config.js'
import { decodeMasks, encodeImage } from './graphs.js'
import { configKey, parseConfig, recognise } from './recognise.js'

const checkpointOf = (config: SamConfig): WeightSource => {
  const params = [encodeImage(config), decodeMasks(config, { prompts: 1, points: 1, masks: true })].flatMap(paramsOf)
  return hashWeights(
    [...new Map(params.map(p => [nameOf(p)!, p.shape]))].map(([name, shape]) => ({ name, shape })),
    1
  )
}

describe('recognise', () => {
  for (const name of ['vit_b', 'vit_l', 'vit_h', 'mobile_sam']) {
    it(`tells ${name} from its shapes`, () => expect(recognise(checkpointOf(configs[name]))).toBe(configs[name]))
  }

  it('reads off what no name stands for', () => {
    const own: SamConfig = {
      ...vitB,
      name: 'x',
      imageSize: 512,
      imageEncoder: { patchSize: 16, width: 128, depth: 3, heads: 4, mlpRatio: 3, window: 7, globalBlocks: [0, 2] },
      width: 64
    }
    expect({ ...recognise(checkpointOf(own), { decoderHeads: 8 }), name: 'x' }).toEqual(own)
  })

  it('reads off any TinyViT, and finds no SAM where a stage is missing', () => {
    const own: SamConfig = {
      ...mobileSam,
      name: 'x',
      imageEncoder: {
        widths: [16, 32, 64],
        depths: [1, 2, 1],
        heads: [2, 4],
        windows: [3, 5],
        mlpRatio: 2,
        expandRatio: 3,
        localConvSize: 5
      }
    }
    const checkpoint = checkpointOf(own)
    expect({ ...recognise(checkpoint), name: 'x' }).toEqual(own)
    expect(parseConfig(JSON.stringify(own), 'config')).toEqual(own)
    expect(
      recognise({ ...checkpoint, has: name => checkpoint.has(name) && !name.includes('attention_biases') })
    ).toBeUndefined()
  })

  it('does not guess decoder heads: only the published width of 256 is known to have 8', () => {
    const checkpoint = checkpointOf(tinyTest)
    expect(() => recognise(checkpoint)).toThrow(/decoder must be known.*32 wide.*decoderHeads/)
    expect({ ...recognise(checkpoint, { decoderHeads: 4 }), name: tinyTest.name }).toEqual(tinyTest)
    expect(() => recognise(checkpoint, { decoderHeads: 3 })).toThrow('must divide half the width, 16, found 3')
  })

  it('does not guess the side of an image that is not square', () => {
    const checkpoint = checkpointOf(tinyTest)
    const reshaped = (name: string, shape: readonly number[]): WeightSource => ({
      ...checkpoint,
      info: wanted => ({ ...checkpoint.info(wanted), ...(wanted === name && { shape }) })
    })
    const known = { decoderHeads: 4 }
    expect(() => recognise(reshaped('image_encoder.pos_embed', [1, 8, 4, 32]), known)).toThrow('found 8 × 4 positions')
    expect(() => recognise(reshaped('image_encoder.blocks.0.attn.rel_pos_h', [9, 16]), known)).toThrow(
      'must have one size, found sides of 5, 3 on a grid of 8'
    )
  })

  it('believes the file that tells its own configuration', () => {
    const told = { ...weightSource('file', []), metadata: { [configKey]: JSON.stringify(tinyTest) } }
    expect(recognise(told)).toEqual(tinyTest)
  })

  it('knows what is no SAM', () => expect(recognise(weightSource('other', []))).toBeUndefined())
})

describe('parseConfig', () => {
  const broken: Record<string, string> = {
    'not JSON': '{',
    'a list': '[]',
    null: 'null',
    'a missing number': JSON.stringify({ ...vitB, width: undefined }),
    'a negative number': JSON.stringify({ ...vitB, imageSize: -1 }),
    'a huge number': JSON.stringify({ ...vitB, imageSize: 1e9 }),
    'a string for a number': JSON.stringify({ ...vitB, width: '256' }),
    'no list of blocks': JSON.stringify({ ...vitB, imageEncoder: { ...vitB.imageEncoder, globalBlocks: 3 } })
  }
  for (const [name, json] of Object.entries(broken)) {
    it(`refuses ${name}`, () => expect(() => parseConfig(json, 'config.json')).toThrow(SamError))
  }
  it('takes what it wrote', () => expect(parseConfig(JSON.stringify(vitB), 'x')).toEqual(vitB))
})
