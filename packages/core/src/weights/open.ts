import { openSafetensors } from './safetensors.js'
import { blobBytes, memoryBytes, openFile, urlBytes, type ByteSource } from '#io'
import { WeightsError } from '../errors.js'
import type { WeightSource } from './source.js'

/** Where a checkpoint can come from. A string is a path in Node and a URL in browsers; `http(s):` is a URL everywhere. */
export type WeightsLike = string | URL | Blob | Uint8Array | ArrayBuffer | WeightSource

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined
}

/** Opens a checkpoint of any supported format, decided by its content and not by its name. Throws `WeightsError`. */
export async function openWeights(from: WeightsLike, { signal }: OpenOptions = {}): Promise<WeightSource> {
  if (isWeightSource(from)) return from
  const source = await openBytes(from, signal)
  try {
    return await openSafetensors(source, signal)
  } catch (error) {
    await source.close()
    throw error
  }
}

const isWeightSource = (from: WeightsLike): from is WeightSource => typeof from === 'object' && 'names' in from && 'bytes' in from

async function openBytes(from: Exclude<WeightsLike, WeightSource>, signal: AbortSignal | undefined): Promise<ByteSource> {
  if (from instanceof Uint8Array || from instanceof ArrayBuffer) return memoryBytes(from)
  if (typeof Blob !== 'undefined' && from instanceof Blob) return blobBytes(from)
  if (typeof from !== 'string' && !(from instanceof URL)) throw new WeightsError('E_WEIGHTS_IO', 'a checkpoint must be a path, a URL, a Blob or bytes')
  return /^https?:/i.test(String(from)) ? urlBytes(from, { signal }) : openFile(from)
}
