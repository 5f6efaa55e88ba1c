import { describe, expect, it } from 'vitest'
import { storedRecipe, withIterations, withOverrides } from './overrides.js'
import { testRun } from '../../test/test-recipe.js'
import { finetuneDecoder, recipes, vitB } from './recipes.js'

const tiny = {
  ...testRun,
  batch: 4,
  microBatch: 4,
  schedule: { rate: 1e-3, warmup: 250, steps: [24_000, 28_000], iterations: 30_000 }
}

describe('withOverrides', () => {
  it('replaces the given settings and keeps the others', () => {
    const next = withOverrides(tiny, {
      batch: 8,
      schedule: { rate: 1e-4, steps: [5] },
      config: { imageEncoder: { depth: 3 } },
      plan: { maskRounds: false },
      jitter: [0.1, 2]
    })
    expect(next).toEqual({
      ...tiny,
      batch: 8,
      schedule: { ...tiny.schedule, rate: 1e-4, steps: [5] },
      plan: { ...tiny.plan, maskRounds: false },
      jitter: [0.1, 2],
      config: { ...tiny.config, imageEncoder: { ...tiny.config.imageEncoder, depth: 3 } }
    })
  })

  it('returns each recipe unchanged for its own JSON', () => {
    for (const recipe of Object.values(recipes))
      expect(withOverrides(recipe, JSON.parse(JSON.stringify(recipe)))).toEqual(recipe)
    expect(
      withOverrides(finetuneDecoder, JSON.parse(JSON.stringify({ ...finetuneDecoder, config: vitB.config }))).config
    ).toEqual(vitB.config)
  })

  it.each([
    ['another name', { bacth: 1 }, 'bacth must be one of name, config'],
    ['a name of the prototype', JSON.parse('{"__proto__": {"batch": 1}}'), '__proto__ must be one of'],
    ['another type', { schedule: { rate: '1e-3' } }, 'schedule.rate must be a number, found "1e-3"'],
    ['null', { schedule: null }, 'schedule must be an object'],
    ['a list for an object', [], 'a recipe must be an object'],
    ['a number below 0', { weightDecay: -1 }, 'weightDecay must be a number from 0'],
    ['a fraction of an image', { microBatch: 0.5 }, 'microBatch must be an integer from 1'],
    ['no iterations', { schedule: { iterations: 0 } }, 'schedule.iterations must be an integer from 1'],
    ['a batch in uneven parts', { batch: 6 }, 'batch must be a multiple of microBatch (4)'],
    ['a list with text', { schedule: { steps: ['x'] } }, 'schedule.steps must be a list of numbers'],
    ['an invalid model', { config: { width: 1e9 } }, 'config.width must be a whole number from 1 to 4096'],
    ['a range upside down', { jitter: [2, 1] }, 'jitter must be two numbers above 0']
  ])('refuses %s', (_, overrides, message) => expect(() => withOverrides(tiny, overrides)).toThrow(message))
})

describe('storedRecipe', () => {
  const older = { ...tiny, text: { width: 8, share: 0.5 } }
  const today = {
    ...older,
    jitter: [0.5, 1] as const,
    muon: { momentum: 0.9 },
    text: { ...older.text, erase: 0.6 }
  }

  it('leaves optional settings absent that the stored recipe lacks', () => {
    for (const stored of [older, tiny]) expect(storedRecipe(today, JSON.parse(JSON.stringify(stored)))).toEqual(stored)
  })
  it('keeps the optional settings that it has', () => {
    expect(storedRecipe(today, JSON.parse(JSON.stringify(today)))).toEqual(today)
  })
  it("fills in a required setting from today's recipe", () => {
    const { clipNorm, ...stored } = older
    expect(storedRecipe(today, stored)).toMatchObject({ clipNorm })
  })
})

it('withIterations: scales rate drops and warm-up', () => {
  expect(withIterations(tiny, 3000).schedule).toEqual({ ...tiny.schedule, iterations: 3000, steps: [2400, 2800] })
  expect(withIterations(tiny, 100).schedule.warmup).toBe(20)
})
