import { cpu } from '@sam/backend-cpu'
import type { Backend } from '@sam/core'
import {
  constant,
  differentiate,
  evaluate,
  f32,
  graph,
  nameOf,
  ops,
  paramsOf,
  scope,
  tensor,
  type Exact,
  type Value
} from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import { describe, expect, it } from 'vitest'
import { clipConfigs, encodeCrops, encodeText, imageEmbeds, textEmbeds, type ClipConfig } from '../src/index.js'
import { differences } from './against-pytorch.js'

describe("the tiny CLIP gives PyTorch's embeddings", () => {
  const backends: Record<string, () => Promise<Backend>> = {
    reference: async () => referenceBackend(),
    cpu: () => cpu()
  }
  it.each(Object.entries(backends))('on %s', async (_, open) => {
    const backend = await open()
    for (const [what, difference] of Object.entries(await differences(backend)))
      expect(difference, what).toBeLessThan(1e-4)
    backend.dispose()
  })
})

describe('the published configurations', () => {
  const parameters = (config: ClipConfig): number =>
    [
      ...new Map(
        [encodeText(config, { texts: 1 }), encodeCrops(config, { images: 1 })]
          .flatMap(paramsOf)
          .map(p => [nameOf(p), p.shape])
      ).values()
    ].reduce((n, shape) => n + shape.reduce((a, b) => a * b, 1), 0)

  // transformers' count, without the logit scale.
  it.each([
    ['clip-vit-base-patch32', 151_277_312],
    ['clip-vit-base-patch16', 149_620_736],
    ['clip-vit-large-patch14', 427_616_512],
    ['clip-vit-large-patch14-336', 427_944_192]
  ] as const)('%s has %i parameters', (name, count) => expect(parameters(clipConfigs[name])).toBe(count))
})

describe('the graphs can be trained', () => {
  const micro: ClipConfig = {
    text: { width: 8, depth: 2, heads: 2, mlpWidth: 12, vocabulary: 9, context: 5, end: 8 },
    vision: { width: 8, depth: 2, heads: 2, mlpWidth: 12, imageSize: 4, patchSize: 2 },
    projection: 4,
    activation: 'gelu',
    eps: 1e-5
  }
  const loss = (value: Value): Value =>
    ops.reduceSum(
      ops.mul(
        value,
        constant(
          f32(
            value.shape,
            Float32Array.from({ length: 8 }, (_, i) => Math.cos(3 * i) + 0.3)
          )
        )
      ),
      [0, 1]
    )
  const ids = constant(tensor('i32', [2, 5], [7, 1, 2, 8, 8, 7, 3, 8, 8, 8]))
  const pixels = constant(
    f32(
      [2, 3, 4, 4],
      Float32Array.from({ length: 96 }, (_, i) => Math.sin(i))
    )
  )
  const patches = constant(f32([2, 4], [1, 0, 0, 1, 0, 0, 1, 0]))

  it.each([
    ['text', graph('text', { loss: loss(textEmbeds(scope(), ids, micro)) })],
    [
      'text, quick gelu',
      graph('text', { loss: loss(textEmbeds(scope(), ids, { ...micro, activation: 'quick_gelu' })) })
    ],
    ['image, masked', graph('image', { loss: loss(imageEmbeds(scope(), { pixels, patches }, micro)) })]
  ])('%s: gradients are finite differences', (_, forward) => {
    const params = paramsOf(forward)
    const point = new Map(
      params.map((p, seed): [string, Exact] => {
        const data = Float64Array.from(
          { length: p.shape.reduce((a, b) => a * b, 1) },
          (_v, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 0.7
        )
        return [nameOf(p)!, { dtype: 'f32', shape: p.shape, data }]
      })
    )
    const bind = (leaf: Value): Exact => point.get(nameOf(leaf)!)!
    const wrt = [...point.keys()]
    const gradients = evaluate(differentiate(forward, { loss: 'loss', wrt }), bind)
    for (const name of wrt) {
      const { data } = point.get(name)!
      const gradient = gradients[`grad/${name}`].data
      for (let i = 0; i < data.length; i += Math.max(1, Math.floor(data.length / 3))) {
        const [kept, step] = [data[i], 1e-5]
        const at = (value: number): number => {
          data[i] = value
          return evaluate(forward, bind).loss.data[0]
        }
        const expected = (at(kept + step) - at(kept - step)) / (2 * step)
        data[i] = kept
        expect(Math.abs(gradient[i] - expected) / (1 + Math.abs(expected)), `${name}[${i}]`).toBeLessThan(1e-6)
      }
    }
  })
})
