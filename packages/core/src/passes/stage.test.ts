import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compute, samples } from '../../test/random-graph.js'
import { graph, paramsOf, valuesOf } from '../ir/graph.js'
import { print } from '../ir/print.js'
import { input, nameOf, param } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { maxError } from '../testing/compare.js'
import { vitB } from '../sam/config.js'
import { decodeMasks } from '../sam/graphs.js'
import { absorbProjections } from './absorb-projections.js'
import { simplify } from './simplify.js'
import { stage } from './stage.js'
import { verify } from './verify.js'

const [x, y, p, q] = [input('x', [2, 3]), input('y', [2, 3]), param('p', [3]), param('q', [2, 3])]

describe('stage', () => {
  it('splits off what depends on params alone, without names', () => {
    const g = graph('g', { out: ops.add(ops.mul(x, ops.sin(q)), p), alone: ops.exp(q) })
    const { early, late } = stage(g, [])
    expect(`${print(early)}\n${print(late)}`).toMatchInlineSnapshot(`
      "g/early()
        %0: f32[2,3] = sin(q)
        %1: f32[1,3] = reshape(p) shape=[1,3]
        %2: f32[2,3] = exp(q)
        return stage/0 = %0: f32[2,3]
        return stage/1 = %1: f32[1,3]
        return stage/2 = %2: f32[2,3]
      g(x: f32[2,3], stage/0: f32[2,3], stage/1: f32[1,3], stage/2: f32[2,3])
        %0: f32[2,3] = mul(x, stage/0)
        %1: f32[2,3] = broadcast(stage/1) shape=[2,3]
        %2: f32[2,3] = add(%0, %1)
        return out = %2: f32[2,3]
        return alone = stage/2: f32[2,3]"
    `)
  })

  it('splits off what depends on the named inputs alone; values of params alone stay late', () => {
    const g = graph('g', { out: ops.add(ops.exp(ops.add(x, q)), ops.mul(y, ops.sin(q))) }, [x, y])
    const { early, late } = stage(g, ['x'])
    expect(`${print(early)}\n${print(late)}`).toMatchInlineSnapshot(`
      "g/early(x: f32[2,3])
        %0: f32[2,3] = add(x, q)
        %1: f32[2,3] = exp(%0)
        return stage/0 = %1: f32[2,3]
      g(y: f32[2,3], stage/0: f32[2,3])
        %0: f32[2,3] = sin(q)
        %1: f32[2,3] = mul(y, %0)
        %2: f32[2,3] = add(stage/0, %1)
        return out = %2: f32[2,3]"
    `)
  })

  it('neither stores a broadcast nor copies a param', () => {
    const g = graph('g', {
      out: ops.mul(ops.broadcastTo(ops.sin(p), [1000, 3]), input('z', [1000, 3])),
      sum: ops.add(x, p)
    })
    const { early, late } = stage(g, [])
    expect(Object.values(early.outputs).map(v => v.shape)).toEqual([
      [1, 3],
      [1, 3]
    ]) // sin(p), and p as a row
    expect(valuesOf(late).map(v => v.op)).toContain('broadcast')
    const bare = stage(graph('g', { out: ops.add(x, q) }), [])
    expect([Object.keys(bare.early.outputs), paramsOf(bare.late).map(nameOf)]).toEqual([[], ['q']])
  })

  it('passes a named input through if the rest needs it', () => {
    const { early, late } = stage(graph('g', { out: ops.add(x, y), deep: ops.exp(x) }), ['x'])
    expect(Object.keys(early.outputs).sort()).toEqual(['stage/1', 'x'])
    expect(late.inputs.map(nameOf)).toEqual(['y', 'x', 'stage/1'])
  })

  it('rejects a second stage with the same prefix', () => {
    const once = stage(graph('g', { out: ops.add(ops.exp(x), ops.exp(ops.mul(y, 2))) }), ['x']).late
    expect(() => stage(once, ['y'])).toThrow("g: must not have an input stage/0 yet; use another prefix than 'stage'")
    expect(stage(once, ['y'], 'second').late.inputs.map(nameOf)).toEqual(['stage/0', 'second/0'])
  })

  it('preserves results', () => {
    fc.assert(
      fc.property(samples, fc.constantFrom<string[]>([], ['x'], ['y'], ['x', 'y']), ({ graph: g, leaves }, names) => {
        const { early, late } = stage(g, names)
        verify(early)
        verify(late)
        const found = compute(late, { ...leaves, ...compute(early, leaves) } as typeof leaves)
        for (const [name, expected] of Object.entries(compute(g, leaves)))
          expect(maxError(found[name].data, expected.data)).toBe(0)
      }),
      { numRuns: 100 }
    )
  })

  it("splits ViT-B's decoder: dense positions once per checkpoint, the first layer's projections once per image", () => {
    const click = absorbProjections(decodeMasks(vitB, { prompts: 1, points: 2 }), ['image_embedding'])
    const cut = (names: readonly string[]) => {
      const { early } = stage(simplify(click), names)
      return Object.values(early.outputs).map(v => ({
        value: `${v.op} [${v.shape.join()}]`,
        of: paramsOf(graph('part', { v })).map(nameOf)
      }))
    }
    expect(cut(['image_embedding'])).toMatchInlineSnapshot(`
      [
        {
          "of": [
            "prompt_encoder.no_mask_embed.weight",
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
            "mask_decoder.transformer.layers.0.cross_attn_token_to_image.k_proj.weight",
            "mask_decoder.transformer.layers.0.cross_attn_token_to_image.k_proj.bias",
          ],
          "value": "transpose [1,8,4096,16]",
        },
        {
          "of": [
            "prompt_encoder.no_mask_embed.weight",
            "mask_decoder.transformer.layers.0.cross_attn_token_to_image.v_proj.weight",
            "mask_decoder.transformer.layers.0.cross_attn_token_to_image.v_proj.bias",
          ],
          "value": "transpose [1,8,4096,16]",
        },
        {
          "of": [
            "prompt_encoder.no_mask_embed.weight",
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
            "mask_decoder.transformer.layers.0.cross_attn_image_to_token.q_proj.weight",
            "mask_decoder.transformer.layers.0.cross_attn_image_to_token.q_proj.bias",
          ],
          "value": "transpose [1,8,4096,16]",
        },
        {
          "of": [
            "prompt_encoder.no_mask_embed.weight",
          ],
          "value": "reshape [1,4096,256]",
        },
      ]
    `)
    expect(cut([]).filter(({ value }) => !value.startsWith('reshape') || value.includes('4096')))
      .toMatchInlineSnapshot(`
      [
        {
          "of": [
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
          ],
          "value": "reshape [1,4096,256]",
        },
        {
          "of": [
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
            "mask_decoder.transformer.layers.1.cross_attn_token_to_image.k_proj.weight",
            "mask_decoder.transformer.layers.1.cross_attn_token_to_image.k_proj.bias",
          ],
          "value": "transpose [1,8,16,4096]",
        },
        {
          "of": [
            "mask_decoder.transformer.layers.1.cross_attn_token_to_image.v_proj.bias",
            "mask_decoder.transformer.layers.1.cross_attn_token_to_image.out_proj.weight",
            "mask_decoder.transformer.layers.1.cross_attn_token_to_image.out_proj.bias",
          ],
          "value": "linear [256]",
        },
        {
          "of": [
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
            "mask_decoder.transformer.final_attn_token_to_image.k_proj.weight",
            "mask_decoder.transformer.final_attn_token_to_image.k_proj.bias",
          ],
          "value": "transpose [1,8,16,4096]",
        },
        {
          "of": [
            "mask_decoder.transformer.final_attn_token_to_image.v_proj.bias",
            "mask_decoder.transformer.final_attn_token_to_image.out_proj.weight",
            "mask_decoder.transformer.final_attn_token_to_image.out_proj.bias",
          ],
          "value": "linear [256]",
        },
      ]
    `)
  })
})
