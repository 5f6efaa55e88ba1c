import { describe, expect, it } from 'vitest'
import { f32 } from '@sam/core/graph'
import { createRng } from '@sam/rng'
import { refitTextProjection } from './refit-text-projection.js'

const [weight, bias] = ['prompt_encoder.text_projection.weight', 'prompt_encoder.text_projection.bias']
const vector = (key: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => 0.3 * createRng(key, i).normal())

describe('refitTextProjection', () => {
  // The old space is the new one, rotated by 90° in its first two dimensions, with 1 added to the third, and without
  // the fourth.
  const to = Array.from({ length: 400 }, (_, i) => vector(i, 4))
  const from = to.map(([a, b, c]) => Float32Array.of(-b, a, c + 1))
  const params = { other: f32([1], [5]), [weight]: f32([2, 3], [1, 2, 3, 4, 5, 6]), [bias]: f32([2], [7, 8]) }
  const project = (p: typeof params, x: Float32Array, row: number): number =>
    x.reduce((sum, v, k) => sum + v * p[weight].data[row * x.length + k], p[bias].data[row])

  it('projects the new embeddings as the old ones', () => {
    const next = refitTextProjection(params, { from, to }) as typeof params
    expect(next[weight].shape).toEqual([2, 4])
    expect(next.other).toBe(params.other)
    for (let i = 0; i < 20; i++)
      for (const row of [0, 1])
        expect(Math.abs(project(next, to[i], row) - project(params, from[i], row))).toBeLessThan(0.15) // the ridge
  })
  it('needs a projection and enough pairs', () => {
    expect(() => refitTextProjection({}, { from, to })).toThrow('found none')
    expect(() => refitTextProjection(params, { from: to, to })).toThrow('found one of 3')
    expect(() => refitTextProjection(params, { from: from.slice(0, 4), to: to.slice(0, 4) })).toThrow(
      'more than 4 pairs'
    )
  })
})
