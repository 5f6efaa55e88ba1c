import { shown, type Refuse } from '@sam/core/graph'
import { parsePythonJson } from '@sam/core/model'

/** An object of an untrusted JSON file. */
export type Json = Readonly<Record<string, unknown>>

/** The value of a JSON file in UTF-8. */
export function readJson(bytes: Uint8Array, fail: Refuse): unknown {
  try {
    return parsePythonJson(bytes)
  } catch (cause) {
    return fail(`it must be JSON in UTF-8 (${(cause as Error).message})`, cause)
  }
}

/** The value of a JSON file, for telling formats apart; undefined where it is no JSON. */
export function peekJson(bytes: Uint8Array): unknown {
  try {
    return parsePythonJson(bytes)
  } catch {
    return undefined
  }
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const asObject = (value: unknown, what: string, fail: Refuse): Json =>
  isObject(value) ? value : fail(`${what} must be an object, found ${shown(value)}`)

/** The list in a field; none where it is absent. */
export function listIn(value: unknown, field: string, fail: Refuse): readonly unknown[] {
  const list = isObject(value) ? value[field] : undefined
  if (list === undefined || list === null) return []
  return Array.isArray(list) ? list : fail(`'${field}' must be a list, found ${shown(list)}`)
}

/** The objects of the list in a field. */
export const objectsIn = (value: unknown, field: string, fail: Refuse): readonly Json[] =>
  listIn(value, field, fail).map((entry, i) => asObject(entry, `'${field}[${i}]'`, fail))

/** An id as a key of a map: ids may be numbers or texts. `String` of any other value may throw. */
export const idKey = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'string' ? String(value) : typeof value

/** A JSON file in UTF-8. */
export const jsonBytes = (value: unknown): Uint8Array => textBytes(`${JSON.stringify(value)}\n`)

export const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text)
