import { describe, expect, it } from 'vitest'
import { graph } from '../src/ir/graph.js'
import { print } from '../src/ir/print.js'
import { input, type Value } from '../src/ir/value.js'
import * as nn from '../src/nn/index.js'
import { tinyTest, type VitConfig } from '../src/sam/config.js'
import { decodeMasks, encodeImage, upscaleMasks } from '../src/sam/graphs.js'
import { imageEncoder } from '../src/sam/encoders/vit.js'
import { maskDecoder } from '../src/sam/mask-decoder.js'
import { densePositions, embedMasks, embedPoints, noMask } from '../src/sam/prompt-encoder.js'
import { twoWayTransformer } from '../src/sam/transformer.js'

const printed = (name: string, outputs: Record<string, Value>): string => print(graph(name, outputs))
const p = nn.scope('prompt_encoder')

/** The graph of each module as text, so that structural changes are visible in review. */
describe('graphs of tiny SAM', () => {
  it('image encoder: patches, a windowed and a global block, neck', () => {
    const vit: VitConfig = { ...(tinyTest.imageEncoder as VitConfig), depth: 2, globalBlocks: [1] }
    expect(
      printed('imageEncoder', {
        embedding: imageEncoder(nn.scope('image_encoder'), input('image', [1, 3, 128, 128]), { vit, out: 32 }).embedding
      })
    ).toMatchSnapshot()
  })

  it('prompt encoder: positions, points, masks', () => {
    expect(printed('densePositions', { positions: densePositions(p, { grid: 8, width: 32 }) })).toMatchSnapshot()
    expect(
      printed('embedPoints', {
        sparse: embedPoints(
          p,
          { coords: input('coords', [2, 3, 2]), labels: input('labels', [2, 3], 'i32') },
          { imageSize: 128, width: 32 }
        )
      })
    ).toMatchSnapshot()
    expect(
      printed('embedMasks', {
        dense: embedMasks(p, input('masks', [2, 32, 32]), { maskChannels: 16, width: 32 }),
        none: noMask(p, 32)
      })
    ).toMatchSnapshot()
  })

  it('two-way transformer', () => {
    const inputs = {
      tokens: input('tokens', [2, 8, 32]),
      image: input('image', [1, 64, 32]),
      imagePositions: input('positions', [1, 64, 32]),
      tokenMask: input('mask', [2, 1, 1, 8])
    }
    expect(
      printed('twoWayTransformer', { ...twoWayTransformer(nn.scope('transformer'), inputs, tinyTest.decoder) })
    ).toMatchSnapshot()
  })

  it('mask decoder', () => {
    const image = input('image', [1, 8, 8, 32])
    const inputs = {
      image,
      imagePositions: input('positions', [1, 8, 8, 32]),
      sparse: input('sparse', [2, 3, 32]),
      tokenMask: input('token_mask', [2, 3]),
      prompts: 2
    }
    expect(printed('maskDecoder', { ...maskDecoder(nn.scope('mask_decoder'), inputs, tinyTest) })).toMatchSnapshot()
  })

  it('values per operation of the full graphs', () => {
    const counts = (text: string): Record<string, number> => {
      const found: Record<string, number> = {}
      for (const [, op] of text.matchAll(/ = (\w+)\(/g)) found[op] = (found[op] ?? 0) + 1
      return found
    }
    expect({
      encodeImage: counts(print(encodeImage(tinyTest))),
      decodeMasks: counts(print(decodeMasks(tinyTest, { prompts: 2, points: 3, tokens: 1, masks: true }))),
      upscaleMasks: counts(
        print(upscaleMasks(tinyTest, { prompts: 1, masks: 3, inputSize: [85, 128], originalSize: [100, 150] }))
      )
    }).toMatchSnapshot()
  })
})
