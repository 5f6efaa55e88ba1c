import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSam, openWeights } from '@sam/core'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '@sam/scenes'
import { initialParams, readParams, train, type FirstPrompt } from '@sam/train'
import { crops } from '../../../../packages/train/test/crops.js'
import { testRun } from '../../../../packages/train/test/test-recipe.js'
import { hooks } from '../hooks.js'
import type { TinyRecipe } from '../recipes.js'

const recipe: TinyRecipe = {
  ...testRun,
  name: 'textTest',
  text: { width: 3, share: 1, grounding: 1 },
  schedule: { ...testRun.schedule, iterations: 1 }
}
const clip: FirstPrompt = {
  ...crops,
  width: 3,
  embed: async ({ pixel_values }) =>
    Array.from({ length: pixel_values.shape[0] }, (_, i) => Float32Array.of(0.6, i % 2 ? 0.8 : -0.8, 0))
}
const weight = 'prompt_encoder.text_projection.weight'

describe('training on text prompts', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sam-text-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const run = (name: string, given: FirstPrompt | undefined) =>
    train({
      recipe,
      data: scenes({ size: 64, seed: 1, minArea: 60 }),
      backend: referenceBackend(),
      folder: join(folder, name),
      weights: initialParams(recipe.config, 5),
      dtype: 'F32',
      ...hooks(recipe),
      firstPrompt: given && { ...given, ...hooks(recipe).firstPrompt }
    })

  it('adds a text projection to a model without one, trains and saves it', async () => {
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
