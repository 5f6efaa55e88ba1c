import { describe, expect, it } from 'vitest'
import { encodeCrops, type ClipConfig } from '@sam/clip'
import { encodeImage, type SamConfig, type VitConfig } from '@sam/core'
import { evaluate, f32, nameOf, type Graph, type HostTensor } from '@sam/core/graph'
import { clipShapes, initialClip } from './contrastive/step.js'
import { clipTiny } from './contrastive/recipe.js'
import { deepened } from './deepen.js'
import { initialParams, paramShapes } from './init.js'
import { random } from './random.js'
import { testRun } from './recipes.js'

const noisy = (params: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(params).map(([name, t], i) => [name, f32(t.shape, Float32Array.from(t.data, x => x + 0.1 * random(i).normal()))]))
const shapesOf = (params: Readonly<Record<string, HostTensor>>) => new Map(Object.entries(params).map(([name, { shape }]) => [name, shape]))
/** What a graph gives for inputs by chance, the same for every graph with as many numbers in. */
const seen = (graph: Graph, params: Readonly<Record<string, HostTensor>>): readonly number[] => {
  const [output] = Object.values(evaluate(graph, v => params[nameOf(v)!] ?? f32(v.shape, Float32Array.from({ length: v.shape.reduce((a, b) => a * b) }, (_, i) => nameOf(v) === 'mask_patches' ? 1 : random(9, i).normal()))))
  return [...output.data] as number[]
}
const close = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((x, i) => Math.abs(x - b[i])))

describe('a deeper model', () => {
  const vit = testRun.config.imageEncoder as VitConfig
  const deeper: SamConfig = { ...testRun.config, imageEncoder: { ...vit, depth: 4, globalBlocks: [1, 3] } }
  const params = noisy(initialParams(testRun.config, 1))
  const next = deepened(params, { blocks: 'image_encoder.blocks', order: [0, 1, 0, 1] })

  it('has the params of its configuration, and answers as before', () => {
    expect(new Map([...shapesOf(next)].sort())).toEqual(new Map([...paramShapes(deeper)].sort()))
    expect(close(seen(encodeImage(deeper), next), seen(encodeImage(testRun.config), params))).toBeLessThan(1e-6)
  })
  it('speaks with all its blocks as soon as their last matrices move', () => {
    const moved = { ...next, 'image_encoder.blocks.2.attn.proj.weight': params['image_encoder.blocks.0.attn.proj.weight'] }
    expect(close(seen(encodeImage(deeper), moved), seen(encodeImage(deeper), next))).toBeGreaterThan(1e-3)
  })
  it('may get blocks in the middle: a CLIP\'s last keeps to the mask', () => {
    const config: ClipConfig = { ...clipTiny.config, vision: { ...clipTiny.config.vision, depth: 2, imageSize: 16 } }
    const more: ClipConfig = { ...config, vision: { ...config.vision, depth: 3 } }
    const before = noisy(initialClip(config, 1))
    const after = deepened(before, { blocks: 'vision_model.encoder.layers', order: [0, 0, 1] })
    expect(new Map([...shapesOf(after)].sort())).toEqual(new Map([...clipShapes(more)].sort()))
    const options = { images: 2, masked: true }
    expect(close(seen(encodeCrops(more, options), after), seen(encodeCrops(config, options), before))).toBeLessThan(1e-6)
  })
  it('keeps every block, in order', () => {
    for (const order of [[0], [1, 0], [0, 1, 2], [0, 2, 1]]) expect(() => deepened(params, { blocks: 'image_encoder.blocks', order })).toThrow('2 blocks of image_encoder.blocks')
    expect(() => deepened(params, { blocks: 'blocks', order: [] })).toThrow('0 blocks of blocks')
  })
})
