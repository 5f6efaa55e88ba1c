import { f32 } from '@sam/core/graph'
import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import type { ContrastiveFeeds } from './batches.js'
import { whitenedPatchEmbed } from './whitened-patches.js'

const vision = { width: 12, depth: 1, heads: 1, mlpWidth: 1, imageSize: 4, patchSize: 2 }

/** Crops whose patches are mostly light or dark, and striped a hundred times less. */
const batch = (seed: number): ContrastiveFeeds => {
  const rng = createRng(seed)
  const pixels = new Float32Array(64 * 3 * 16)
  for (let image = 0; image < 64; image++) {
    for (let patch = 0; patch < 4; patch++) {
      const [light, stripes] = [rng.normal(), 0.3 * rng.normal()]
      for (let k = 0; k < 12; k++) {
        const [channel, y, x] = [Math.floor(k / 4), 2 * (patch >> 1) + ((k >> 1) & 1), 2 * (patch & 1) + (k & 1)]
        pixels[(image * 3 + channel) * 16 + y * 4 + x] = patch === 3 ? -1.79 : light + (k & 1 ? stripes : -stripes)
      }
    }
  }
  return { pixel_values: f32([64, 3, 4, 4], pixels) } as unknown as ContrastiveFeeds
}

describe('whitenedPatchEmbed', () => {
  const { shape, data } = whitenedPatchEmbed([batch(1), batch(2)], { vision })
  const responses = (patch: (k: number) => number): number[] =>
    Array.from({ length: 12 }, (_, row) =>
      Array.from({ length: 12 }, (_v, k) => data[row * 12 + k] * patch(k)).reduce((a, b) => a + b)
    )
  it('responds to strong and weak components alike', () => {
    expect(shape).toEqual([12, 3, 2, 2])
    const [light, stripes] = [responses(() => 1), responses(k => (k & 1 ? 0.3 : -0.3))].map(x => Math.hypot(...x))
    expect(stripes / light).toBeGreaterThan(0.8)
    expect(stripes / light).toBeLessThan(1.25)
  })
  it('does not amplify absent components', () => {
    expect(Math.hypot(...responses(k => (k === 0 ? 1e-3 : k === 2 ? -1e-3 : 0)))).toBeLessThan(0.05)
  })
})
