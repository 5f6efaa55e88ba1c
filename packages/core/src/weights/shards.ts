import { failAt } from './fail.js'
import { parseJson } from './json.js'
import { indexLimit, indexPartLimit } from './limits.js'
import type { ByteSource } from '#io'

/** Files of Hugging Face's layout that hold all weights, in the order of preference. */
export const singleFiles = ['model.safetensors', 'pytorch_model.bin']

/** The list of which tensor is in which of several files. */
export const indexFile = 'model.safetensors.index.json'

/** The files that `weight_map` of a `model.safetensors.index.json` names, each once. Throws `WeightsError`. */
export async function readIndex(file: ByteSource, signal?: AbortSignal): Promise<ReadonlySet<string>> {
  const fail = failAt(file.name)
  try {
    if (file.size > indexLimit) fail(`must have at most ${indexLimit} bytes, has ${file.size}`)
    const json = parseJson(new TextDecoder().decode(await file.read(0, file.size, signal)))
    const map = json instanceof Map ? (json.get('weight_map') as unknown) : undefined
    const parts = map instanceof Map ? ([...map.values()] as unknown[]) : []
    if (parts.length === 0 || !parts.every(part => typeof part === 'string'))
      throw new SyntaxError('weight_map must name a file for each tensor')
    const files = new Set(parts)
    if (files.size > indexPartLimit) fail(`must name at most ${indexPartLimit} files, names ${files.size}`)
    return files
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    return fail(cause.message, cause)
  } finally {
    await file.close()
  }
}
