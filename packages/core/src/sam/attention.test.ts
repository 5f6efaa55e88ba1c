import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graph, valuesOf } from '../ir/graph.js'
import { constant, input, nameOf, type Value } from '../ir/value.js'
import { scope } from '../nn/scope.js'
import * as ops from '../ops/index.js'
import { evaluate } from '../reference/evaluate.js'
import { sizeOf } from '../tensor/shape.js'
import { f32 } from '../tensor/tensor.js'
import { hashFill } from '../weights/hash-fill.js'
import { attention, imageToToken, tokenToImage, type Sides } from './attention.js'

const [width, heads, places] = [16, 2, 12]
const p = scope('attn')

const random = (name: string, shape: readonly number[]) => f32(shape, hashFill({ name, shape }, 7))
const numbers = (y: Value, feeds: Record<string, ReturnType<typeof f32>> = {}): Float64Array =>
  evaluate(graph('g', { y }), leaf => feeds[nameOf(leaf)!] ?? random(nameOf(leaf)!, leaf.shape)).y.data
const furthest = (a: Float64Array, b: Float64Array): number =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0)

interface Case {
  readonly prompts: number
  readonly images: number
  readonly count: number
  readonly imageOnly: boolean
}
const sidesOf = ({ prompts, images, count, imageOnly }: Case): Sides => ({
  tokens: input('tokens', [prompts, count, width]),
  image: input('image', [images, places, width]),
  positions: input('positions', [1, places, width]),
  imageOnly
})
/** A mask under which the last of each prompt's tokens is padding, where it has several. */
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
      imageOnly: alone && (shared || prompts === 1)
    })
  )

/** Places that go through a linear layer, each layer counted. */
const projected = (y: Value): number =>
  valuesOf(graph('g', { y }))
    .filter(v => v.op === 'linear' && v.shape.at(-2) === places)
    .reduce((n, v) => n + sizeOf(v.shape.slice(0, -1)), 0)

describe('cross attention', () => {
  it('is the same whether few tokens absorb the projections of the image or not', () => {
    fc.assert(
      fc.property(cases, c => {
        const { tokens, image, positions } = sidesOf(c)
        const [positioned, values, mask] = [ops.add(image, positions), input('values', tokens.shape), maskOf(c)]
        const looked = tokenToImage(p, sidesOf(c), heads)
        expect(
          furthest(numbers(looked), numbers(attention(p, [tokens, positioned, image], { heads, downsample: 2 })))
        ).toBeLessThan(1e-12)
        const answered = imageToToken(p, { ...sidesOf(c), values, mask }, heads)
        expect(
          furthest(
            numbers(answered),
            numbers(attention(p, [positioned, tokens, values], { heads, downsample: 2, mask }))
          )
        ).toBeLessThan(1e-12)
      }),
      { numRuns: 30 }
    )
  })

  it('projects no place of the image for few tokens, all for many, and once an image where it is the image alone', () => {
    const of = (c: Case): [looks: number, answers: number] => {
      const values = input('values', [c.prompts, c.count, width])
      return [
        projected(tokenToImage(p, sidesOf(c), heads)),
        projected(imageToToken(p, { ...sidesOf(c), values, mask: maskOf(c) }, heads))
      ]
    }
    const alone = { prompts: 1, images: 1, imageOnly: false }
    expect(of({ ...alone, count: 3 })).toEqual([places, 0]) // of its positions, which depend on params alone
    expect(of({ ...alone, count: 9 })).toEqual([2 * places, 2 * places])
    expect(of({ ...alone, imageOnly: true, count: 3 })).toEqual([2 * places, places])
    // Once for three prompts is less than three times nothing but their tokens.
    expect(of({ prompts: 3, images: 1, imageOnly: false, count: 3 })).toEqual([2 * places, places])
    expect(of({ prompts: 3, images: 3, imageOnly: false, count: 3 })).toEqual([places, 0])
  })

  it('gives padding no weight at all', () => {
    const c = { prompts: 2, images: 2, count: 3, imageOnly: false }
    const shape = [c.prompts, c.count, width]
    const answer = imageToToken(p, { ...sidesOf(c), values: input('values', shape), mask: maskOf(c) }, heads)
    const other = random('other', shape)
    const differing = (name: string): ReturnType<typeof f32> => {
      const { data } = random(name, shape)
      return f32(
        shape,
        data.map((x, i) => (Math.floor(i / width) % c.count === c.count - 1 ? 100 * other.data[i] : x))
      )
    }
    expect(
      furthest(numbers(answer), numbers(answer, { tokens: differing('tokens'), values: differing('values') }))
    ).toBe(0)
  })
})
