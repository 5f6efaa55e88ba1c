import { describe, expect, it } from 'vitest'
import { paramsOf } from '../ir/graph.js'
import { nameOf } from '../ir/value.js'
import { hashWeights } from '../weights/hash-fill.js'
import { merged, renamed, weightSource, type WeightSource } from '../weights/source.js'
import { toHuggingFace } from '../weights/hugging-face.js'
import { underMetaNames } from '../weights/sam-prefix.js'
import { SamError } from '../errors.js'
import { configs, mobileSam, tinyTest, vitB, type SamConfig } from './config.js'
import { decodeMasks, encodeImage } from './graphs.js'
import { parseConfig } from './parse-config.js'
import { configKey, recognise } from './recognise.js'

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

  it.each([
    ['SlimSAM-77', 168, 696],
    ['SlimSAM-50', 384, 1536]
  ])("reads off %s in Hugging Face's layout, and builds it", (_, width, mlp) => {
    const slim = {
      ...vitB,
      imageEncoder: { ...vitB.imageEncoder, width, heads: 12, mlpRatio: mlp / width }
    } as SamConfig
    const checkpoint = checkpointOf(slim)
    const theirs = underMetaNames(renamed(checkpoint, toHuggingFace(checkpoint.names)))
    expect(theirs.info('image_encoder.blocks.11.mlp.lin1.weight').shape).toEqual([mlp, width])
    expect(theirs.info('image_encoder.blocks.11.attn.rel_pos_h').shape).toEqual([127, width / 12])
    const found = recognise(theirs)!
    expect(found).toMatchObject({
      imageSize: 1024,
      width: 256,
      imageEncoder: { width, heads: 12, depth: 12, window: 14 }
    })
    expect(checkpointOf(found).names).toEqual(checkpoint.names)
  })

  it('names the SAMs of a file with several', () => {
    const two = merged(
      'x',
      ['model.', 'ema.'].map(prefix => renamed(checkpointOf(tinyTest), name => prefix + name))
    )
    expect(() => recognise(underMetaNames(two))).toThrow("found 2, under 'model.', 'ema.'")
  })

  it('refuses metadata that the tensors contradict', () => {
    const checkpoint = checkpointOf(tinyTest)
    const told = (config: SamConfig) => ({ ...checkpoint, metadata: { [configKey]: JSON.stringify(config) } })
    expect(recognise(told(tinyTest))).toEqual(tinyTest)
    expect(() => recognise(told({ ...tinyTest, decoder: { ...tinyTest.decoder, multimaskOutputs: 15 } }))).toThrow(
      'must agree, found mask tokens [16,32] and [4,32]'
    )
  })

  it('refuses tensors without elements and sizes past the limits, before anything is built', () => {
    const checkpoint = checkpointOf(tinyTest)
    const reshaped = (name: string, shape: readonly number[]): WeightSource => ({
      ...checkpoint,
      info: wanted => ({ ...checkpoint.info(wanted), ...(wanted === name && { shape }) })
    })
    const known = { decoderHeads: 4 }
    expect(() => recognise(reshaped('mask_decoder.mask_tokens.weight', [1e9, 0]), known)).toThrow('and elements')
    expect(() => recognise(reshaped('mask_decoder.mask_tokens.weight', [1e9, 32]), known)).toThrow(
      'multimaskOutputs must be a whole number from 1 to 16, found 999999999'
    )
  })

  it('takes time in proportion to the number of names', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `image_encoder.blocks.${i}.norm1.weight`)
    const info = { dtype: 'F32', shape: [1] } as const
    const many = weightSource(
      'x',
      names.map(name => ({ name, ...info, bytes: async () => new Uint8Array(4) }))
    )
    expect(() => recognise(many)).toThrow('at most 64 blocks, found 100000')
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
    'a fraction': JSON.stringify({ ...vitB, imageSize: 64.5 }),
    'a million blocks': JSON.stringify({ ...vitB, imageEncoder: { ...vitB.imageEncoder, depth: 999_999 } }),
    'a huge window': JSON.stringify({ ...vitB, imageEncoder: { ...vitB.imageEncoder, window: 999_999 } }),
    'a million masks': JSON.stringify({ ...vitB, decoder: { ...vitB.decoder, multimaskOutputs: 999_999 } }),
    'a block that is not there': JSON.stringify({
      ...vitB,
      imageEncoder: { ...vitB.imageEncoder, globalBlocks: [12] }
    }),
    'heads that do not divide the width': JSON.stringify({ ...vitB, decoder: { ...vitB.decoder, heads: 7 } }),
    'a name of a megabyte': JSON.stringify({ ...vitB, name: 'x'.repeat(2 ** 20) }),
    'no list of blocks': JSON.stringify({ ...vitB, imageEncoder: { ...vitB.imageEncoder, globalBlocks: 3 } })
  }
  for (const [name, json] of Object.entries(broken)) {
    it(`refuses ${name}`, () => expect(() => parseConfig(json, 'config.json')).toThrow(SamError))
  }
  it('takes what it wrote', () => expect(parseConfig(JSON.stringify(vitB), 'x')).toEqual(vitB))
})
