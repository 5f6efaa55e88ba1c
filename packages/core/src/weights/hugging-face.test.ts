import { afterAll, describe, expect, it } from 'vitest'
import { isHuggingFace, toHuggingFace, toMeta } from './hugging-face.js'
import { openWeights } from './open.js'
import { underMetaNames } from './sam-prefix.js'
import { memoryWeights, renamed } from './source.js'
import { full } from '../tensor/tensor.js'

const tiny = await openWeights(new URL('../../../../fixtures/tiny-checkpoint.safetensors', import.meta.url))
afterAll(() => tiny.close())
/** The names of a deeper encoder: each block has those of the first. */
const withBlocks = (depth: number): string[] =>
  tiny.names.flatMap(name => {
    const [, index, rest] = /^image_encoder\.blocks\.(\d+)\.(.*)/.exec(name) ?? []
    return rest === undefined
      ? [name]
      : index === '0'
        ? Array.from({ length: depth }, (_, i) => `image_encoder.blocks.${i}.${rest}`)
        : []
  })

describe('names of Hugging Face', () => {
  it.each([
    ['tiny', tiny.names],
    ['vit_b', withBlocks(12)],
    ['vit_h', withBlocks(32)]
  ])('translate there and back: %s', (_, names) => {
    const theirs = names.map(toHuggingFace(names))
    expect(new Set(theirs).size).toBe(names.length)
    expect(isHuggingFace(theirs)).toBe(true)
    expect(isHuggingFace(names)).toBe(false)
    expect(theirs.map(toMeta(theirs))).toEqual(names)
  })

  it('are those of SamModel', () => {
    const translate = toHuggingFace(tiny.names)
    expect(
      Object.fromEntries(
        [
          'image_encoder.pos_embed',
          'image_encoder.patch_embed.proj.weight',
          'image_encoder.blocks.1.norm2.bias',
          'image_encoder.blocks.1.attn.rel_pos_h',
          'image_encoder.neck.3.weight',
          'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix',
          'prompt_encoder.point_embeddings.2.weight',
          'prompt_encoder.mask_downscaling.4.bias',
          'prompt_encoder.mask_downscaling.6.bias',
          'prompt_encoder.not_a_point_embed.weight',
          'mask_decoder.transformer.layers.0.norm4.weight',
          'mask_decoder.transformer.layers.0.mlp.lin1.weight',
          'mask_decoder.transformer.norm_final_attn.bias',
          'mask_decoder.output_upscaling.1.weight',
          'mask_decoder.output_hypernetworks_mlps.3.layers.0.bias',
          'mask_decoder.output_hypernetworks_mlps.3.layers.1.bias',
          'mask_decoder.iou_prediction_head.layers.2.weight'
        ].map(name => [name, translate(name)])
      )
    ).toMatchInlineSnapshot(`
      {
        "image_encoder.blocks.1.attn.rel_pos_h": "vision_encoder.layers.1.attn.rel_pos_h",
        "image_encoder.blocks.1.norm2.bias": "vision_encoder.layers.1.layer_norm2.bias",
        "image_encoder.neck.3.weight": "vision_encoder.neck.layer_norm2.weight",
        "image_encoder.patch_embed.proj.weight": "vision_encoder.patch_embed.projection.weight",
        "image_encoder.pos_embed": "vision_encoder.pos_embed",
        "mask_decoder.iou_prediction_head.layers.2.weight": "mask_decoder.iou_prediction_head.proj_out.weight",
        "mask_decoder.output_hypernetworks_mlps.3.layers.0.bias": "mask_decoder.output_hypernetworks_mlps.3.proj_in.bias",
        "mask_decoder.output_hypernetworks_mlps.3.layers.1.bias": "mask_decoder.output_hypernetworks_mlps.3.layers.0.bias",
        "mask_decoder.output_upscaling.1.weight": "mask_decoder.upscale_layer_norm.weight",
        "mask_decoder.transformer.layers.0.mlp.lin1.weight": "mask_decoder.transformer.layers.0.mlp.lin1.weight",
        "mask_decoder.transformer.layers.0.norm4.weight": "mask_decoder.transformer.layers.0.layer_norm4.weight",
        "mask_decoder.transformer.norm_final_attn.bias": "mask_decoder.transformer.layer_norm_final_attn.bias",
        "prompt_encoder.mask_downscaling.4.bias": "prompt_encoder.mask_embed.layer_norm2.bias",
        "prompt_encoder.mask_downscaling.6.bias": "prompt_encoder.mask_embed.conv3.bias",
        "prompt_encoder.not_a_point_embed.weight": "prompt_encoder.not_a_point_embed.weight",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": "shared_image_embedding.positional_embedding",
        "prompt_encoder.point_embeddings.2.weight": "prompt_encoder.point_embed.2.weight",
      }
    `)
  })

  it('take the positional matrix from either of its names', () => {
    const [a, b] = [
      'shared_image_embedding.positional_embedding',
      'prompt_encoder.shared_embedding.positional_embedding'
    ].map(toMeta([]))
    expect(a).toBe('prompt_encoder.pe_layer.positional_encoding_gaussian_matrix')
    expect(b).toBe(a)
  })

  it('leave other models alone', () => {
    expect(isHuggingFace(['vision_model.encoder.layers.0.layer_norm1.weight', 'logit_scale'])).toBe(false)
  })
})

describe('underMetaNames', () => {
  it('translates a whole checkpoint and keeps its data', async () => {
    const theirs = renamed(tiny, toHuggingFace(tiny.names))
    const back = underMetaNames(theirs)
    expect(back.names).toEqual(tiny.names)
    const name = 'mask_decoder.iou_prediction_head.layers.1.weight'
    expect(await back.read(name)).toEqual(await tiny.read(name))
    expect(back.locate(name)).toEqual(tiny.locate(name))
  })

  it('strips wrappers that all names share, also several', () => {
    expect(underMetaNames(renamed(tiny, name => `module.model.${name}`)).names).toEqual(tiny.names)
    expect(underMetaNames(renamed(tiny, name => `sam.${toHuggingFace(tiny.names)(name)}`)).names).toEqual(tiny.names)
  })

  it('keeps a prefix that only some names have', () => {
    const some = memoryWeights({ 'module.a': full('f32', [1], 0), b: full('f32', [1], 0) })
    expect(underMetaNames(some).names).toEqual(['module.a', 'b'])
  })
})
