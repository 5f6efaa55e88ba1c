import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSam, openWeights } from '@sam/core'
import { referenceBackend } from '@sam/core/testing'
import { readParams } from '../checkpoint.js'
import { scenes } from '../data/scenes/scene.js'
import { initialParams } from '../init.js'
import { promptFeeds } from '../prompt-feeds.js'
import { testRun, type Recipe } from '../recipes.js'
import { train } from '../run.js'
import type { CropTeacher } from './crop-prompts.js'

const recipe: Recipe = {
  ...testRun,
  name: 'textTest',
  text: { width: 3, share: 1, grounding: 1 },
  schedule: { ...testRun.schedule, iterations: 1 }
}
const clip: CropTeacher = {
  width: 3,
  config: { vision: { width: 1, depth: 1, heads: 1, mlpWidth: 1, imageSize: 8, patchSize: 4 } },
  embedCropFeeds: async ({ pixel_values }) =>
    Array.from({ length: pixel_values.shape[0] }, (_, i) => Float32Array.of(0.6, i % 2 ? 0.8 : -0.8, 0))
}
const weight = 'prompt_encoder.text_projection.weight'

describe('feeds of text prompts', () => {
  it('have the embedding, and its place in the mask of tokens', () => {
    const text = Float32Array.of(1, 2)
    const { text: fed, token_mask: present } = promptFeeds(
      [
        { points: [], mask: undefined, text },
        { points: [{ x: 1, y: 2, label: 1 }], mask: undefined }
      ],
      { points: 3, low: 2, text: 2 }
    )
    expect([...fed.data]).toEqual([1, 2, 0, 0])
    expect([...present.data]).toEqual([0, 0, 0, 1, 1, 1, 0, 0])
  })
})

describe('training on text prompts', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sam-text-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const run = (name: string, given: CropTeacher | undefined) =>
    train({
      recipe,
      data: scenes({ size: 64, seed: 1, minArea: 60 }),
      backend: referenceBackend(),
      folder: join(folder, name),
      weights: initialParams(recipe.config, 5),
      dtype: 'F32',
      ...(given && { clip: given })
    })

  it("gives a model without a text projection one, trains it, and keeps it in the model's file", async () => {
    const { model } = await run('a', clip)
    const source = await openWeights(model)
    const params = await readParams(source, recipe.config)
    await source.close()
    expect(params[weight].shape).toEqual([16, 3])
    const before = initialParams(recipe.config, 1, 3)[weight].data
    expect(params[weight].data.some((v, i) => v !== before[i])).toBe(true)
    await using sam = await loadSam({ weights: model, backend: referenceBackend() })
    expect(sam.textWidth).toBe(3)
  })
  it('needs a CLIP', () => expect(run('b', undefined)).rejects.toMatchObject({ code: 'E_BAD_OPTION' }))
})
