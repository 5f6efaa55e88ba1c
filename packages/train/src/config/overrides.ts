import { parseConfig } from '@sam/core/model'
import { refuse, shown } from '@sam/core/graph'
import { text, vitH, type Recipe } from './recipes.js'

/** Settings that must be positive integers. */
const counts = ['batch', 'microBatch', 'objects', 'trainedRounds', 'schedule.iterations']

/**
 * A recipe with some of its settings replaced: an object of the recipe's own shape, of which any part may be left out;
 * lists are replaced as a whole. Throws `InputError` `E_BAD_OPTION` for a name that the recipe does not have, or a value
 * of another type or out of range.
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
  if (batch % microBatch) must('batch', `a multiple of microBatch (${microBatch})`, batch)
  if (given && (jitter.length !== 2 || jitter[0] <= 0 || jitter[1] < jitter[0]))
    must('jitter', 'two numbers above 0, the smaller one first', jitter)
  return next
}

/**
 * A recipe as a run stored it. Optional settings that the stored recipe lacks stay absent, even where today's recipe of
 * that name has them. Throws like `withOverrides`.
 */
export function storedRecipe<R extends Recipe>(recipe: R, stored: unknown): R {
  const { config, ...settings } = withOverrides(recipe, stored)
  return { ...(withoutAbsent(settings, stored, required) as R), config }
}

/** A recipe with text prompts and no optional setting. */
const required = { ...vitH, text: text.text }
/** Optional, although `required` has it. */
const isOptional = (path: string): boolean => path === 'text'

function withoutAbsent(value: unknown, stored: unknown, needed: unknown, path = ''): unknown {
  if (!isRecord(value) || !isRecord(stored) || !isRecord(needed)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => Object.hasOwn(stored, key) || (Object.hasOwn(needed, key) && !isOptional(join(path, key))))
      .map(([key, inner]) => [key, withoutAbsent(inner, stored[key], needed[key], join(path, key))])
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
      must(path, 'a list of numbers from 0', given)
    return given
  }
  if (typeof known === 'object' && known !== null) {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      must(path || 'a recipe', 'an object', given)
    const stranger = Object.keys(given).find(key => !Object.hasOwn(known, key))
    if (stranger !== undefined) must(join(path, stranger), `one of ${Object.keys(known).join(', ')}`, stranger)
    return Object.fromEntries(
      Object.entries(known).map(([key, value]) => [
        key,
        Object.hasOwn(given, key) ? merged(value, (given as Record<string, unknown>)[key], join(path, key)) : value
      ])
    )
  }
  if (typeof given !== typeof known) must(path, `a ${typeof known}`, given)
  if (typeof given === 'number') {
    if (!Number.isFinite(given) || given < 0) must(path, 'a number from 0', given)
    if (counts.includes(path) && !(Number.isInteger(given) && given > 0)) must(path, 'a whole number from 1', given)
  }
  return given
}

const join = (path: string, key: string): string => (path ? `${path}.${key}` : key)
function must(path: string, rule: string, found: unknown): never {
  refuse('E_BAD_OPTION', `recipe: ${path} must be ${rule}, found ${shown(found)}`)
}
