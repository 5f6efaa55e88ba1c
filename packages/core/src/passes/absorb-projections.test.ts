import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graph, valuesOf, type Graph } from '../ir/graph.js'
import { constant, input, nameOf, param, type Value } from '../ir/value.js'
import { scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'
import { evaluate } from '../reference/evaluate.js'
import { attention } from '../sam/attention.js'
import { vitB } from '../sam/config.js'
import { decodeMasks } from '../sam/graphs.js'
import { sizeOf } from '../tensor/shape.js'
import { f32 } from '../tensor/tensor.js'
import { hashFill } from '../weights/hash-fill.js'
import { absorbProjections } from './absorb-projections.js'
import { flops } from './cost.js'
import { stage } from './stage.js'
import { verify } from './verify.js'

const [width, heads, positions] = [16, 2, 12]
const p = scope('attn')

const random = (name: string, shape: readonly number[]) => f32(shape, hashFill({ name, shape }, 7))
const numbers = (g: Graph, feeds: Record<string, ReturnType<typeof f32>> = {}): Float64Array =>
  evaluate(g, leaf => feeds[nameOf(leaf)!] ?? random(nameOf(leaf)!, leaf.shape)).y.data
const furthest = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0)

interface Case {
  readonly prompts: number
  readonly images: number
  readonly count: number
  /** Whether `image` stays the same over many runs. */
  readonly fixedImage: boolean
}

/** Tokens attending to the image, and the image attending to tokens. Positions depend on params alone. */
function graphsOf(c: Case, masked = true): { tokenToImage: Graph; imageToToken: Graph } {
  const { prompts, images, count } = c
  const tokens = input('tokens', [prompts, count, width])
  const values = input('values', tokens.shape)
  const image = input('image', [images, positions, width])
  const positioned = ops.add(image, param('positions', [1, positions, width]))
  const mask = masked ? maskOf(c) : undefined
  const tokenToImage = attention(p, [tokens, positioned, image], { heads, downsample: 2 })
  const imageToToken = attention(p, [positioned, tokens, values], { heads, downsample: 2, mask })
  return { tokenToImage: graph('g', { y: tokenToImage }), imageToToken: graph('g', { y: imageToToken }) }
}
const absorbed = (g: Graph, { fixedImage }: Case): Graph => verify(absorbProjections(g, fixedImage ? ['image'] : []))

/** A mask that marks the last token of each prompt as padding, if it has several. */
const maskOf = ({ prompts, count }: Case): Value =>
  constant(
    f32(
      [prompts, 1, 1, count],
      Float32Array.from({ length: prompts * count }, (_, i) => (count > 1 && i % count === count - 1 ? -1e9 : 0))
    )
  )
const cases = fc
  .record({
    prompts: fc.integer({ min: 1, max: 3 }),
    shared: fc.boolean(),
    count: fc.integer({ min: 1, max: 9 }),
    alone: fc.boolean()
  })
  .map(
    ({ prompts, shared, count, alone }): Case => ({
      prompts,
      count,
      images: shared ? 1 : prompts,
      fixedImage: alone && (shared || prompts === 1)
    })
  )

/** Number of positions projected by linear layers, summed over layers. */
const projected = (g: Graph): number =>
  valuesOf(g)
    .filter(v => v.op === 'linear' && v.shape.at(-2) === positions)
    .reduce((n, v) => n + sizeOf(v.shape.slice(0, -1)), 0)

describe('absorbProjections', () => {
  it('does not change results when few tokens absorb the projections of the image', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), (c, masked) => {
        for (const g of Object.values(graphsOf(c, masked)))
          expect(furthest(numbers(absorbed(g, c)), numbers(g))).toBeLessThan(1e-12)
      }),
      { numRuns: 30 }
    )
  })

  it.each([
    [3, positions],
    [positions, 3]
  ])('does not change results without positions, with a mask over all keys: %d queries, %d keys', (queries, keys) => {
    for (const [ofQueries, ofKeys] of [
      [2, 2],
      [1, 2],
      [2, 1]
    ]) {
      const [q, kv] = [input('q', [ofQueries, queries, width]), input('kv', [ofKeys, keys, width])]
      for (const mask of [undefined, input('mask', [ofKeys, 1, 1, keys])]) {
        const g = graph('g', { y: attention(p, [q, kv, kv], { heads, downsample: 2, mask }) })
        const result = verify(absorbProjections(g))
        if (ofQueries === ofKeys) expect(projected(result)).toBe(0)
        expect(furthest(numbers(result), numbers(g))).toBeLessThan(1e-12)
      }
    }
  })

  it('projects no image position for few tokens, all for many, and once per image if only the image is projected', () => {
    const of = (c: Case): [looks: number, answers: number] => {
      const { tokenToImage, imageToToken } = graphsOf(c)
      return [projected(absorbed(tokenToImage, c)), projected(absorbed(imageToToken, c))]
    }
    const alone = { prompts: 1, images: 1, fixedImage: false }
    expect(of({ ...alone, count: 3 })).toEqual([positions, 0]) // of positions, which depend on params alone
    expect(of({ ...alone, count: 9 })).toEqual([2 * positions, 2 * positions])
    expect(of({ ...alone, fixedImage: true, count: 3 })).toEqual([2 * positions, positions])
    // One projection of the image is less work than absorbing it for three prompts.
    expect(of({ prompts: 3, images: 1, fixedImage: false, count: 3 })).toEqual([2 * positions, positions])
    expect(of({ prompts: 3, images: 3, fixedImage: false, count: 3 })).toEqual([positions, 0])
  })

  it('gives padding zero weight', () => {
    const c = { prompts: 2, images: 2, count: 3, fixedImage: false }
    const shape = [c.prompts, c.count, width]
    const output = absorbed(graphsOf(c).imageToToken, c)
    const other = random('other', shape)
    const differing = (name: string): ReturnType<typeof f32> => {
      const { data } = random(name, shape)
      return f32(
        shape,
        data.map((x, i) => (Math.floor(i / width) % c.count === c.count - 1 ? 100 * other.data[i] : x))
      )
    }
    expect(
      furthest(numbers(output), numbers(output, { tokens: differing('tokens'), values: differing('values') }))
    ).toBe(0)
  })

  it('does not change self-attention', () => {
    const x = input('x', [1, 5, width])
    const y = attention(p, [x, x, x], { heads })
    expect(valuesOf(absorbProjections(graph('g', { y }))).filter(v => v.op === 'linear')).toHaveLength(4)
  })

  it("saves a third of a click on ViT-B, and computes the first layer's projections once per image", () => {
    const gigaFlops = (g: Graph): number => +(valuesOf(g).reduce((sum, v) => sum + flops(v), 0) / 1e9).toFixed(1)
    const click = decodeMasks(vitB, { prompts: 1, points: 2 })
    const { early, late } = stage(absorbProjections(click, ['image_embedding']), ['image_embedding'])
    expect(gigaFlops(early)).toBe(0.8)
    // 0.6 of it depends on params alone: the positions' part of the scores, computed once per checkpoint.
    expect(gigaFlops(late)).toBe(2.3)
    expect(gigaFlops(stage(late, [], 'once').late)).toBe(1.7)
  })
})
