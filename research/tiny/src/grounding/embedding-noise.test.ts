import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { addEmbeddingNoise } from './embedding-noise.js'

describe('addEmbeddingNoise', () => {
  it('adds noise up to a multiple of the length, within the span of the batch, and normalises', () => {
    const axes = Array.from({ length: 16 }, (_, k) => Float32Array.from({ length: 64 }, (_v, i) => (i === k ? 1 : 0)))
    const cosines = Array.from({ length: 200 }, (_, i) => {
      const after = addEmbeddingNoise(createRng(i), axes, 1)[3]!
      expect(Math.hypot(...after)).toBeCloseTo(1, 5)
      expect(Math.hypot(...after.slice(16))).toBe(0)
      return after[3]
    })
    // Noise of the embedding's length at a right angle, as most is in 16 dimensions, rotates by 45°; nearly opposite
    // noise rotates further.
    expect(Math.min(...cosines)).toBeGreaterThan(0.3)
    expect(Math.min(...cosines)).toBeLessThan(0.75)
    expect(Math.max(...cosines)).toBeGreaterThan(0.999)
    expect(addEmbeddingNoise(createRng(1), axes, 0)[3]).toBe(axes[3])
    expect(addEmbeddingNoise(createRng(1), [undefined, axes[0]], 1)[0]).toBeUndefined()
  })
})
