import { describe, expect, it } from 'vitest'
import { valuesOf, type Graph } from '../ir/graph.js'
import { nameOf, type Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { gridSize, isVit, lowResSize, tinyTest, vitB, vitH, vitL, type SamConfig } from './config.js'
import { decodeMasks, encodeImage, upscaleMasks } from './graphs.js'

const signature = (g: Graph): string[] => {
  const type = (v: Value): string => `${v.dtype}[${v.shape.join()}]`
  return [
    ...g.inputs.map(v => `${nameOf(v)} ${type(v)}`),
    ...Object.entries(g.outputs).map(([name, v]) => `→ ${name} ${type(v)}`)
  ]
}

describe('encodeImage', () => {
  it('has the documented signature for each size', () => {
    for (const config of [vitB, vitL, vitH])
      expect(signature(encodeImage(config))).toEqual(['image f32[1,3,1024,1024]', '→ image_embedding f32[1,256,64,64]'])
    expect(signature(encodeImage(tinyTest, { blocks: true }))).toEqual([
      'image f32[1,3,128,128]',
      '→ image_embedding f32[1,32,8,8]',
      ...[0, 1, 2, 3].map(i => `→ block${i} f32[1,8,8,32]`)
    ])
    expect(signature(encodeImage(tinyTest, { images: 3 }))).toEqual([
      'image f32[3,3,128,128]',
      '→ image_embedding f32[3,32,8,8]'
    ])
  })

  it('uses global attention only in the global blocks', () => {
    const windows = valuesOf(encodeImage(vitB))
      .filter(v => v.op === 'gridAttention')
      .map(v => v.attrs.window)
    expect(windows).toEqual([14, 14, 0, 14, 14, 0, 14, 14, 0, 14, 14, 0])
  })

  it('accepts any network that gives an embedding of the right size', () => {
    const average: SamConfig = {
      ...tinyTest,
      name: 'average',
      imageEncoder: {
        name: 'average',
        stride: 32,
        encode: (p, image) => {
          const cells = ops.mean(ops.reshape(image, [image.shape[0], 3, 4, 32, 4, 32]), [3, 5])
          return ops.add(
            ops.broadcastTo(ops.mean(ops.reshape(cells, [image.shape[0], 3, 4, 4]), [1]), [image.shape[0], 32, 4, 4]),
            p.param('bias', [1, 32, 1, 1])
          )
        }
      }
    }
    expect([gridSize(average), lowResSize(average), isVit(average.imageEncoder)]).toEqual([4, 16, false])
    expect(signature(encodeImage(average))).toEqual(['image f32[1,3,128,128]', '→ image_embedding f32[1,32,4,4]'])
    expect(signature(decodeMasks(average, { prompts: 1, points: 1 }))).toContain('→ masks f32[1,4,16,16]')
    expect(() => encodeImage({ ...average, width: 16 })).toThrow(
      'average: the image encoder must give [1,16,4,4], found [1,32,4,4]'
    )
  })
})

describe('decodeMasks', () => {
  it('declares exactly the inputs for its kinds of prompts', () => {
    expect(signature(decodeMasks(tinyTest, { prompts: 2, points: 3, tokens: 1, masks: true }))).toMatchInlineSnapshot(`
      [
        "image_embedding f32[1,32,8,8]",
        "point_coords f32[2,3,2]",
        "point_labels i32[2,3]",
        "tokens f32[2,1,32]",
        "token_mask f32[2,4]",
        "mask_input f32[2,32,32]",
        "has_mask f32[2]",
        "→ masks f32[2,4,32,32]",
        "→ iou_predictions f32[2,4]",
      ]
    `)
    expect(signature(decodeMasks(tinyTest, { prompts: 1, points: 2 }))).toMatchInlineSnapshot(`
      [
        "image_embedding f32[1,32,8,8]",
        "point_coords f32[1,2,2]",
        "point_labels i32[1,2]",
        "token_mask f32[1,2]",
        "→ masks f32[1,4,32,32]",
        "→ iou_predictions f32[1,4]",
      ]
    `)
    expect(signature(decodeMasks(tinyTest, { prompts: 1, points: 0 }))).toMatchInlineSnapshot(`
      [
        "image_embedding f32[1,32,8,8]",
        "→ masks f32[1,4,32,32]",
        "→ iou_predictions f32[1,4]",
      ]
    `)
  })

  it('has the same graph for any source of sparse tokens', () => {
    for (const [prompts, points, tokens] of [
      [1, 1, 0],
      [4, 0, 2],
      [3, 5, 1]
    ] as const) {
      const g = decodeMasks(tinyTest, { prompts, points, tokens })
      expect([g.outputs.masks.shape, g.outputs.iou_predictions.shape]).toEqual([
        [prompts, 4, 32, 32],
        [prompts, 4]
      ])
    }
  })
})

describe('upscaleMasks', () => {
  it("upscales to the square, crops, and resizes to the photo's size", () => {
    const g = upscaleMasks(vitB, { prompts: 2, masks: 3, inputSize: [683, 1024], originalSize: [1200, 1800] })
    expect(signature(g)).toEqual(['masks f32[2,3,256,256]', '→ logits f32[2,3,1200,1800]'])
    expect(
      valuesOf(g)
        .filter(v => v.op === 'resizeBilinear' || v.op === 'slice')
        .map(v => v.shape)
    ).toEqual([
      [2, 3, 1024, 1024],
      [2, 3, 683, 1024],
      [2, 3, 1200, 1800]
    ])
  })
})
