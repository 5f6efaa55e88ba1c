import { describe, expect, it } from 'vitest'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '../data/scenes/scene.js'
import { contrastiveBatches } from './batches.js'
import { centred, embeddingMeans, leastChange } from './centre.js'
import { clipTiny, type ClipRecipe } from './recipe.js'
import { initialClip } from './step.js'

describe('the least change', () => {
  it('has the projection that was asked for, and no length beside it', () => {
    const w = { shape: [2, 3], data: Float32Array.of(1, 2, 0, 0, 1, 1) }
    const x = leastChange(w, Float64Array.of(3, -1))
    expect(x[0] + 2 * x[1]).toBeCloseTo(3, 10)
    expect(x[1] + x[2]).toBeCloseTo(-1, 10)
    expect(2 * x[0] - x[1] + x[2]).toBeCloseTo(0, 10) // (2, −1, 1) is what W does not see
  })
})

describe('a centred CLIP', () => {
  it('has embeddings around 0, of crops and of phrases', async () => {
    const tower = { width: 12, depth: 1, heads: 2, mlpWidth: 16 }
    const recipe: ClipRecipe = {
      ...clipTiny, batch: 5, scenes: 2, config: { ...clipTiny.config, projection: 6, text: { ...clipTiny.config.text, ...tower }, vision: { ...tower, imageSize: 16, patchSize: 8 } }
    }
    const params = initialClip(recipe.config, 2)
    const batches = contrastiveBatches(scenes({ size: 64, seed: 11 }), recipe, 3)
    const some = [await batches(0), await batches(1)]
    const options = { recipe, backend: referenceBackend() }
    const means = await embeddingMeans(params, some, options)
    expect(Math.hypot(...means.images)).toBeGreaterThan(0.1)
    const after = await embeddingMeans(centred(params, means), some, options)
    for (const x of [...after.images, ...after.texts]) expect(x).toBeCloseTo(0, 4)
  })
})
