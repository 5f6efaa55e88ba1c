import { describe, expect, it } from 'vitest'
import type { HostTensor } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '../data/scenes/scene.js'
import { contrastiveBatches } from './batches.js'
import { aligned, embeddingPairs, leastChange } from './align.js'
import { clipTiny, type ClipRecipe } from './recipe.js'
import { initialClip } from './step.js'

describe('the least change', () => {
  it('has the projection that was asked for, and no length beside it', () => {
    const w = { shape: [2, 3], data: Float32Array.of(1, 2, 0, 0, 1, 1) }
    const x = leastChange(w, Float64Array.of(3, -1))
    expect(x[0] + 2 * x[1]).toBeCloseTo(3, 10)
    expect(x[1] + x[2]).toBeCloseTo(-1, 10)
    expect(2 * x[0] - x[1] + x[2]).toBeCloseTo(0, 10) // (2, −1, 1) is what W does not see
    const weak = { shape: [2, 3], data: Float32Array.of(1, 0, 0, 0, 1e-6, 0) }
    expect(leastChange(weak, Float64Array.of(1, 1))[1]).toBeCloseTo(1e6, -2)
    const damped = leastChange(weak, Float64Array.of(1, 1), 1e-4)
    expect(damped[0]).toBeCloseTo(1, 3)
    expect(Math.abs(damped[1])).toBeLessThan(0.1) // 1e6 is not worth it
  })
})

describe('an aligned CLIP', () => {
  it('has crops around 0, and phrases where their crops are', async () => {
    const tower = { width: 12, depth: 1, heads: 2, mlpWidth: 16 }
    const recipe: ClipRecipe = {
      ...clipTiny, batch: 8, phrases: 8, scenes: 2, config: { ...clipTiny.config, projection: 4, text: { ...clipTiny.config.text, ...tower }, vision: { ...tower, imageSize: 16, patchSize: 8 } }
    }
    const params = initialClip(recipe.config, 2)
    const batches = contrastiveBatches(scenes({ size: 64, seed: 11 }), recipe, 3)
    const some = await Promise.all([0, 1, 2].map(batches))
    const options = { recipe, backend: referenceBackend() }
    const before = await embeddingPairs(params, some, options)
    const moved = aligned(params, before)
    const norm = (of: Readonly<Record<string, HostTensor>>): number => Math.hypot(...of['text_projection.weight'].data)
    expect(norm(moved) / norm(params)).toBeCloseTo(1, 5)
    const { images, texts } = await embeddingPairs(moved, some, options)
    const mean = (rows: readonly Float32Array[], k: number): number => rows.reduce((sum, x) => sum + x[k], 0) / rows.length
    const unit = (x: Float32Array): Float32Array => x.map(v => v / Math.hypot(...x))
    // Phrases have a size of their own, which nothing looks at.
    const size = [0, 1, 2, 3].reduce((sum, k) => sum + mean(texts, k) * mean(images.map(unit), k), 0) / [0, 1, 2, 3].reduce((sum, k) => sum + mean(images.map(unit), k) ** 2, 0)
    const after = { images, texts: texts.map(x => x.map(v => v / size)) }
    for (let k = 0; k < 4; k++) {
      expect(Math.abs(mean(before.images, k)) + Math.abs(mean(before.texts, k))).toBeGreaterThan(0.01)
      expect(mean(after.images, k)).toBeCloseTo(0, 4)
      expect(mean(after.texts, k)).toBeCloseTo(mean(after.images.map(unit), k), 3) // what a regression with a constant has
    }
    // Of all that is linear it is the closest: nearer to the crops' directions than their mean is.
    const off = (guess: (i: number) => ArrayLike<number>): number => after.images.reduce((sum, x, i) => sum + unit(x).reduce((s, v, k) => s + (v - guess(i)[k]) ** 2, 0), 0)
    expect(off(i => after.texts[i])).toBeLessThan(off(() => [0, 1, 2, 3].map(k => mean(after.images.map(unit), k))))
  })
})
