import { describe, expect, it } from 'vitest'
import { normalized } from '@sam/clip'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '@sam/scenes'
import { contrastiveBatches } from './batches.js'
import { correctModalityGap, embeddingPairs, leastChange, type Pairs } from './modality-gap.js'
import { clipTiny, type ClipRecipe } from './recipe.js'
import { initialClip } from './step.js'

describe('leastChange', () => {
  it('is the minimum-norm solution with the given projection', () => {
    const w = { shape: [2, 3], data: Float32Array.of(1, 2, 0, 0, 1, 1) }
    const x = leastChange(w, Float64Array.of(3, -1))
    expect(x[0] + 2 * x[1]).toBeCloseTo(3, 10)
    expect(x[1] + x[2]).toBeCloseTo(-1, 10)
    expect(2 * x[0] - x[1] + x[2]).toBeCloseTo(0, 10) // (2, −1, 1) spans the null space of W
    const weak = { shape: [2, 3], data: Float32Array.of(1, 0, 0, 0, 1e-6, 0) }
    expect(leastChange(weak, Float64Array.of(1, 1))[1]).toBeCloseTo(1e6, -2)
    const damped = leastChange(weak, Float64Array.of(1, 1), 1e-4)
    expect(damped[0]).toBeCloseTo(1, 3)
    expect(Math.abs(damped[1])).toBeLessThan(0.1) // damped, far below 1e6
  })
})

describe('correctModalityGap', () => {
  it('centres crops at 0 and brings phrases closer to their crops', async () => {
    const tower = { width: 12, depth: 1, heads: 2, mlpWidth: 16 }
    const recipe: ClipRecipe = {
      ...clipTiny,
      batch: 8,
      phrases: 8,
      scenes: 2,
      config: {
        ...clipTiny.config,
        projection: 4,
        text: { ...clipTiny.config.text, ...tower },
        vision: { ...tower, imageSize: 16, patchSize: 8 }
      }
    }
    const params = initialClip(recipe.config, 2)
    const batches = contrastiveBatches(scenes({ size: 64, seed: 11 }), recipe, 3)
    const some = await Promise.all([0, 1, 2].map(batches))
    const options = { recipe, backend: referenceBackend() }
    const before = await embeddingPairs(params, some, options)
    const corrected = correctModalityGap(params, before)
    for (const name of ['text_projection.weight', 'visual_projection.weight'])
      expect(Math.hypot(...corrected[name].data) / Math.hypot(...params[name].data)).toBeCloseTo(1, 5)
    const after = await embeddingPairs(corrected, some, options)
    const mean = (rows: readonly Float32Array[], k: number): number =>
      rows.reduce((sum, x) => sum + x[k], 0) / rows.length
    for (let k = 0; k < 4; k++) expect(mean(after.images, k)).toBeCloseTo(0, 4)
    expect(Math.hypot(...[0, 1, 2, 3].map(k => mean(before.images, k)))).toBeGreaterThan(0.1)

    const cosine = ({ images, texts }: Pairs): number =>
      images.reduce((sum, x, i) => sum + normalized(x).reduce((s, v, k) => s + v * normalized(texts[i])[k], 0), 0) /
      images.length
    const centred = before.images.map(x => x.map((v, k) => v - mean(before.images, k)))
    const crops = centred.map(normalized)
    // The scale of phrase embeddings is arbitrary.
    const size =
      [0, 1, 2, 3].reduce((sum, k) => sum + mean(after.texts, k) * mean(crops, k), 0) /
      [0, 1, 2, 3].reduce((sum, k) => sum + mean(crops, k) ** 2, 0)
    const texts = after.texts.map(x => x.map(v => v / size))
    // A property of regression with a constant.
    for (let k = 0; k < 4; k++) expect(mean(texts, k)).toBeCloseTo(mean(crops, k), 3)
    // The best linear fit: closer to the crops' directions than their mean.
    const off = (guess: (i: number) => ArrayLike<number>): number =>
      crops.reduce((sum, x, i) => sum + x.reduce((s, v, k) => s + (v - guess(i)[k]) ** 2, 0), 0)
    expect(off(i => texts[i])).toBeLessThan(off(() => [0, 1, 2, 3].map(k => mean(crops, k))))

    const phrasesMoved = cosine({ images: centred, texts: after.texts })
    expect(phrasesMoved).toBeGreaterThan(cosine({ images: centred, texts: before.texts }))
    expect(cosine(after)).toBeGreaterThan(phrasesMoved)
  })
})
