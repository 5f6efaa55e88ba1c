import { open, type FileHandle } from 'node:fs/promises'
import { parsePythonJson } from '@sam/core/model'
import { jsonLimit } from './limits.js'
import { unfit } from './unfit.js'

/** {@link parsePythonJson} of labels. Throws `InputError` `E_BAD_IMAGE` with the file's name. */
export function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return parsePythonJson(bytes)
  } catch (cause) {
    throw unfit(path, `it is not valid JSON in UTF-8 (${(cause as Error).message})`, cause)
  }
}

/**
 * Reads a JSON file of at most `jsonLimit` bytes. Throws `InputError` `E_BAD_IMAGE` with the file's name where it
 * is missing, larger, truncated or not JSON: the trainer skips such a sample.
 */
export async function readJson(path: string): Promise<unknown> {
  return withFile(path, async file => {
    const { size } = await file.stat()
    if (size > jsonLimit) throw unfit(path, `it may have ${jsonLimit} bytes, found ${size}`)
    return parseJson(await file.readFile(), path)
  })
}

/** Opens a file for reading, and closes it. Errors of the file become `InputError` `E_BAD_IMAGE` with its name. */
export async function withFile<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  const failed = (cause: unknown): never => {
    throw unfit(path, (cause as Error).message, cause)
  }
  const file = await open(path, 'r').catch(failed)
  try {
    return await read(file).catch((cause: unknown) =>
      'syscall' in (cause as object) ? failed(cause) : Promise.reject(cause as Error)
    )
  } finally {
    await file.close()
  }
}

/** A field that must be a list of objects. Throws `InputError` `E_BAD_IMAGE` with the file and the field. */
export function listOf(value: unknown, path: string, field: string): readonly Record<string, unknown>[] {
  const list = (value as Record<string, unknown> | null)?.[field]
  if (!Array.isArray(list)) throw unfit(path, `'${field}' must be a list`)
  return list.map((entry, at) => entryOf(entry, path, { field, at }))
}

/** An entry of a list, which must be an object. Throws `InputError` `E_BAD_IMAGE` with the file, field and index. */
export function entryOf(
  entry: unknown,
  path: string,
  { field, at }: { readonly field: string; readonly at: number }
): Record<string, unknown> {
  if (typeof entry === 'object' && entry !== null) return entry as Record<string, unknown>
  throw unfit(path, `'${field}' must be a list of objects, found ${JSON.stringify(entry)} at ${at}`)
}
