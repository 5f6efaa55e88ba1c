import { describe, expect, it } from 'vitest'
import { configs, type SamConfig } from '@sam/core'
import { encodeImage } from '@sam/core/model'
import { evaluate, f32, nameOf, type HostTensor } from '@sam/core/graph'
import { initialParams } from '@sam/train'
import { paramShapes } from '@sam/train/toolkit'
import { testRun } from '../../../../packages/train/test/test-recipe.js'
import { createRng } from '@sam/rng'
import { canResample, resampleSam } from './sam.js'

const coarse = testRun.config
const fine: SamConfig = { ...coarse, name: 'fine', imageEncoder: { ...coarse.imageEncoder, patchSize: 8 } }

describe('resampleSam', () => {
  const params = Object.fromEntries(
    Object.entries(initialParams(coarse, 1)).map(([name, t], i) => [
      name,
      f32(
        t.shape,
        t.data.map(x => x + 0.1 * createRng(i).normal())
      )
    ])
  )
  const next = resampleSam(params, coarse, fine)

  it('changes positions and patch embedding alone', () => {
    expect(new Map(Object.entries(next).map(([name, { shape }]) => [name, shape]))).toEqual(paramShapes(fine))
    const changed = Object.keys(next).filter(name => next[name] !== params[name])
    expect(changed.sort()).toEqual([
      'image_encoder.blocks.1.attn.rel_pos_h',
      'image_encoder.blocks.1.attn.rel_pos_w',
      'image_encoder.patch_embed.proj.weight',
      'image_encoder.pos_embed'
    ])
  })
  it('gives for a patch what the original gives for the patch enlarged', () => {
    // Without blocks and positions, the encoder processes each patch alone, except for the neck's 3 × 3 convolution,
    // which gives the same in a periodic image.
    const bare = (config: SamConfig): SamConfig => ({
      ...config,
      imageEncoder: { ...config.imageEncoder, depth: 0, globalBlocks: [] }
    })
    const encode = (
      config: SamConfig,
      given: Readonly<Record<string, HostTensor>>,
      pixel: (c: number, y: number, x: number) => number
    ): ArrayLike<number> => {
      const image = f32(
        [1, 3, 64, 64],
        Float32Array.from({ length: 3 * 4096 }, (_, i) => pixel(Math.floor(i / 4096), Math.floor(i / 64) % 64, i % 64))
      )
      return evaluate(encodeImage(bare(config)), v =>
        nameOf(v) === 'image'
          ? image
          : nameOf(v) === 'image_encoder.pos_embed'
            ? f32(v.shape, new Float32Array(v.shape.reduce((a, b) => a * b)))
            : given[nameOf(v)!]
      ).image_embedding.data
    }
    const tile = (c: number, y: number, x: number): number => createRng(c, y % 8, x % 8).normal()
    const small = encode(fine, next, tile)
    const large = encode(coarse, params, (c, y, x) => tile(c, Math.floor(y / 2), Math.floor(x / 2)))
    // Away from the border.
    const at = (data: ArrayLike<number>, grid: number, c: number): number => data[c * grid * grid + grid + 1]
    for (let c = 0; c < coarse.width; c++) expect(at(small, 8, c)).toBeCloseTo(at(large, 4, c), 4)
  })
  it('refuses another model', () => {
    expect(canResample(coarse, fine)).toBe(true)
    for (const [from, to] of [
      [fine, coarse],
      [coarse, coarse],
      [coarse, { ...fine, width: 8 }],
      [configs.vit_b, fine]
    ] as const) {
      expect(canResample(from, to)).toBe(false)
      expect(() => resampleSam(params, from, to)).toThrow('larger patches')
    }
  })
})
