import { parseConfig } from '@sam/core/model'
import { refusing, shown, type Refuse } from '@sam/core/graph'
import { text, vitH, type Recipe } from './recipes.js'

/** Settings that must be positive integers. */
const counts = ['batch', 'microBatch', 'objects', 'trainedRounds', 'schedule.iterations']

/**
 * A recipe with some settings replaced: a partial object of the recipe's shape; lists are replaced as a whole. Throws
 * `InputError` `E_BAD_OPTION` for an unknown name, or a value of another type or out of range.
 */
export function withOverrides<R extends Recipe>(recipe: R, overrides: unknown): R {
  const { config, ...rest } = merged({ ...recipe, jitter: recipe.jitter ?? [1, 1] }, overrides, '') as Recipe & {
    jitter: [number, number]
  }
  const given = typeof overrides === 'object' && 'jitter' in overrides!
  const { jitter, ...others } = rest
  const next = {
    ...others,
    config: parseConfig(JSON.stringify(config), 'config'),
    ...(given ? { jitter } : recipe.jitter && { jitter: recipe.jitter })
  } as Recipe as R
  const { batch, microBatch } = next
  if (batch % microBatch) refuseRecipe(`batch must be a multiple of microBatch (${microBatch}), found ${batch}`)
  if (given && (jitter.length !== 2 || jitter[0] <= 0 || jitter[1] < jitter[0]))
    refuseRecipe(`jitter must be two numbers above 0, the smaller one first, found ${shown(jitter)}`)
  return next
}

/**
 * A recipe as a run stored it. Optional settings that the stored recipe lacks stay absent, even where today's recipe of
 * that name has them. Throws like `withOverrides`.
 */
export function storedRecipe<R extends Recipe>(recipe: R, stored: unknown): R {
  const { config, ...settings } = withOverrides(recipe, stored)
  return { ...(withoutAbsent(settings, { stored, required }) as R), config }
}

/** A recipe with text prompts and without optional settings. */
const required = { ...vitH, text: text.text }
/** The path of a setting that is optional although `required` has it. */
const optional = 'text'

function withoutAbsent(value: unknown, known: { stored: unknown; required: unknown }, path = ''): unknown {
  const { stored, required } = known
  if (!isRecord(value) || !isRecord(stored) || !isRecord(required)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => Object.hasOwn(stored, key) || (Object.hasOwn(required, key) && join(path, key) !== optional))
      .map(([key, inner]) => [
        key,
        withoutAbsent(inner, { stored: stored[key], required: required[key] }, join(path, key))
      ])
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The recipe over another number of iterations: rate drops scale along, and the warm-up is at most a fifth. */
export function withIterations<R extends Recipe>(recipe: R, iterations: number): R {
  const {
    schedule: { warmup, steps, iterations: before, ...rest }
  } = recipe
  const schedule = {
    ...rest,
    iterations,
    warmup: Math.min(warmup, Math.ceil(iterations / 5)),
    steps: steps.map(at => Math.round((at * iterations) / before))
  }
  return { ...recipe, schedule }
}

function merged(known: unknown, given: unknown, path: string): unknown {
  if (Array.isArray(known)) {
    if (!Array.isArray(given) || given.length > 1000 || !given.every(v => Number.isFinite(v) && v >= 0))
      refuseRecipe(`${path} must be a list of numbers from 0, found ${shown(given)}`)
    return given
  }
  if (typeof known === 'object' && known !== null) {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      refuseRecipe(`${path || 'a recipe'} must be an object, found ${shown(given)}`)
    const unknown = Object.keys(given).find(key => !Object.hasOwn(known, key))
    if (unknown !== undefined)
      refuseRecipe(`${join(path, unknown)} must be one of ${Object.keys(known).join(', ')}, found ${shown(unknown)}`)
    return Object.fromEntries(
      Object.entries(known).map(([key, value]) => [
        key,
        Object.hasOwn(given, key) ? merged(value, (given as Record<string, unknown>)[key], join(path, key)) : value
      ])
    )
  }
  if (typeof given !== typeof known) refuseRecipe(`${path} must be a ${typeof known}, found ${shown(given)}`)
  if (typeof given === 'number') {
    if (!Number.isFinite(given) || given < 0) refuseRecipe(`${path} must be a number from 0, found ${shown(given)}`)
    if (counts.includes(path) && !(Number.isInteger(given) && given > 0))
      refuseRecipe(`${path} must be an integer from 1, found ${shown(given)}`)
  }
  return given
}

const join = (path: string, key: string): string => (path ? `${path}.${key}` : key)

const refuseRecipe: Refuse = refusing('E_BAD_OPTION', 'recipe: ')
