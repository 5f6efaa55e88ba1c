import { describe, expect, it } from 'vitest'
import { scenes } from '@sam/scenes'
import { example } from './example.js'
import { cropOf, exampleLoader, type TrainingExample } from './load-example.js'
import { createRng } from '@sam/rng'
import { testRun } from '../../test/test-recipe.js'
import type { Recipe, TextRecipe } from '../config/recipes.js'
import { crops } from '../../test/crops.js'

const data = scenes({ size: 64, seed: 1, minArea: 60 })
const textRun = (text: Partial<TextRecipe>): Recipe => ({
  ...testRun,
  objects: 3,
  text: { width: 2, share: 1, ...text }
})
const load = async (recipe: Recipe, position: number): Promise<TrainingExample> =>
  (await exampleLoader({ recipe, data, seed: 4, crops })(position)) as TrainingExample
const area = (mask: ArrayLike<number>): number => Array.from(mask).reduce((a, b) => a + b, 0)

describe('exampleLoader', () => {
  it("loads the recipe's number of objects with their first prompts, the same each time", async () => {
    const one = await load({ ...testRun, objects: 5 }, 2)
    expect([one.truths.length, one.firstPrompts.length, one.crops]).toEqual([5, 5, undefined])
    expect(one.image).toEqual(example(await data.read(2), testRun.config).image)
    for (const [i, { data: inside, width }] of one.truths.entries()) {
      expect(area(inside)).toBeGreaterThan(0)
      const { points } = one.firstPrompts[i]!
      if (points.length === 1)
        expect(
          area(
            inside.filter(
              (_, k) =>
                Math.abs((k % width) - points[0].x / 4) < 2 && Math.abs(Math.floor(k / width) - points[0].y / 4) < 2
            )
          )
        ).toBeGreaterThan(0)
    }
    expect(await load({ ...testRun, objects: 5 }, 2)).toEqual(one)
    expect(await load({ ...testRun, objects: 5 }, 3)).not.toEqual(one)
  })

  it("crops the recipe's share of objects, one crop per missing first prompt", async () => {
    let texts = 0
    for (let position = 0; position < 60; position++) {
      const { firstPrompts, crops } = await load(textRun({ share: 0.5 }), position)
      const missing = firstPrompts.filter(prompt => !prompt).length
      expect(crops?.pixel_values.shape[0] ?? 0).toBe(missing)
      texts += missing
    }
    expect(texts / 180).toBeGreaterThan(0.4)
    expect(texts / 180).toBeLessThan(0.6)
    const all = await load(textRun({}), 1)
    expect(all.crops!.pixel_values.shape).toEqual([3, 3, 16, 16])
    expect(await load(textRun({}), 1)).toEqual(all)
  })

  it('returns why a sample cannot be used', async () => {
    const of = (truths: Uint8Array[]) => ({
      size: 1,
      read: async () => ({ ...(await data.read(0)), truths: truths.map(mask => ({ mask })) })
    })
    expect(await exampleLoader({ recipe: testRun, data: of([]), seed: 1 })(0)).toEqual({ unfit: 'no mask' })
    expect(await exampleLoader({ recipe: testRun, data: of([new Uint8Array(3)]), seed: 1 })(0)).toMatchObject({
      unfit: expect.stringContaining('mask')
    })
    const broken = { size: 1, read: () => Promise.reject(new TypeError('a bug')) }
    await expect(exampleLoader({ recipe: testRun, data: broken, seed: 1 })(0)).rejects.toThrow('a bug')
  })
})

describe('cropOf', async () => {
  const { photo, targets } = example(await data.read(3), testRun.config)

  it("crops the object from its photo by the paper's rule", () => {
    for (let i = 0; i < 20; i++) {
      const cut = cropOf(createRng(i), targets[0], { photo, targets })
      expect(cut).toMatchObject({ photo, mask: { width: photo.width, data: targets[0].truth.mask } })
      expect(cut.rule.grow >= 1 && cut.rule.grow < 2).toBe(true)
      expect(crops.preprocess([cut]).pixel_values.shape).toEqual([1, 3, 16, 16])
    }
  })
})
