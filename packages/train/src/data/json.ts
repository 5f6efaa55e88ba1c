import { readFile } from 'node:fs/promises'
import { InputError } from '@sam/core/graph'

/**
 * Reads a JSON file. Throws `InputError` `E_BAD_IMAGE` with the file's name where it is missing, truncated or not JSON:
 * the trainer skips such a sample.
 */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw unfit(path, cause.message, cause)
  })
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw unfit(path, `it is not valid JSON (${(cause as Error).message})`, cause)
  }
}

/** The error of an invalid annotation file. */
export const unfit = (path: string, why: string, cause?: unknown): InputError =>
  new InputError('E_BAD_IMAGE', `${path}: ${why}`, { cause })

/** A field that must be a list of objects. Throws `InputError` `E_BAD_IMAGE` with the file and the field. */
export function listOf(value: unknown, path: string, field: string): readonly Record<string, unknown>[] {
  const list = (value as Record<string, unknown> | null)?.[field]
  if (!Array.isArray(list)) throw unfit(path, `'${field}' must be a list`)
  const odd = list.findIndex(entry => typeof entry !== 'object' || entry === null)
  if (odd >= 0) throw unfit(path, `'${field}' must be a list of objects, found ${JSON.stringify(list[odd])} at ${odd}`)
  return list as Record<string, unknown>[]
}
