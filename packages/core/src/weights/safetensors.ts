import { failAt, type Fail } from './fail.js'
import { parseJson, type Json } from './json.js'
import { metadataLimit, rankLimit, safetensorsHeaderLimit, tensorLimit } from './limits.js'
import { isStoredDType, storedBytes, storedLength, type StoredDType } from './stored.js'
import {
  lengthOf,
  memoryWeights,
  rangeEntry,
  weightSource,
  type ByteSource,
  type WeightInfo,
  type WeightSource
} from './source.js'
import { brief, SamError, shown, WeightsError } from '../errors.js'
import type { HostTensor } from '../tensor/tensor.js'

const metadataKey = '__metadata__'

/**
 * Opens a safetensors file: eight bytes of header length, a JSON header, the data. Obeys the rules of the Rust
 * validator: the tensors cover the data exactly, without holes, overlaps or bytes left over, and no name is given
 * twice. Data is read later, by range. Throws `WeightsError` `E_WEIGHTS_FORMAT`.
 */
export async function openSafetensors(source: ByteSource, signal?: AbortSignal): Promise<WeightSource> {
  const label = source.name
  const fail: Fail = (text, cause) => failAt(label)(`safetensors ${text}`, cause)

  if (source.size < 8) fail(`must begin with 8 bytes of header length, but the file has ${source.size} bytes`)
  const declared = new DataView((await source.read(0, 8, signal)).buffer).getBigUint64(0, true)
  if (declared > safetensorsHeaderLimit)
    fail(`header must have at most ${safetensorsHeaderLimit} bytes, declares ${declared}`)
  const headerLength = Number(declared)
  if (headerLength > source.size - 8)
    fail(`header of ${headerLength} bytes is longer than the file; the file is truncated`)

  const header = await source.read(8, headerLength, signal)
  if (header[0] !== 0x7b) fail("header must begin with '{'")
  const tensors: ReturnType<typeof parseTensor>[] = []
  let metadata: Readonly<Record<string, string>> = {}
  // Each member is checked as soon as it is read, and what is kept of it is small: a header of many empty objects is
  // refused at the first.
  const member = (name: string, field: Json): null => {
    if (name === metadataKey) metadata = parseMetadata(field, fail)
    else if (tensors.length >= tensorLimit) fail(`must hold at most ${tensorLimit} tensors`)
    else tensors.push(parseTensor(name, field, fail))
    return null
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header)
    if (!isObject(parseJson(text, 8, member))) fail('header must be an object')
  } catch (cause) {
    if (SamError.is(cause)) throw cause
    return fail(`header is not valid JSON: ${(cause as Error).message}`, cause)
  }

  const data = 8 + headerLength
  let end = 0
  for (const { name, begin, length } of [...tensors].sort((a, b) => a.begin - b.begin || a.length - b.length)) {
    if (begin !== end)
      fail(
        `tensor '${brief(name)}' must begin at byte ${end} of the data, where the one before it ends, but begins at ${begin}`
      )
    end += length
  }
  if (data + end !== source.size) fail(`tensors cover ${end} bytes of data, but the file has ${source.size - data}`)

  const entries = tensors.map(({ name, dtype, shape, begin }) =>
    rangeEntry(source, { name, dtype, shape }, data + begin)
  )
  return weightSource(label, entries, {
    metadata,
    close: () => source.close()
  })
}

function parseTensor(name: string, field: Json, fail: Fail): WeightInfo & { begin: number; length: number } {
  if (!isObject(field)) return fail(`tensor '${brief(name)}' must be described by an object`)
  const [dtype, shape, offsets] = ['dtype', 'shape', 'data_offsets'].map(key => field.get(key))
  if (!isStoredDType(dtype))
    return fail(
      `tensor '${brief(name)}' has the type ${shown(dtype)}; known are ${Object.keys(storedBytes).join(', ')}`
    )
  if (!isCounts(shape) || shape.length > rankLimit)
    return fail(`tensor '${brief(name)}' must have a shape of at most ${rankLimit} whole numbers`)
  if (!isCounts(offsets) || offsets.length !== 2)
    return fail(`tensor '${brief(name)}' must have data_offsets of two whole numbers`)
  const [begin, end] = offsets as [number, number]
  const length = storedLength(dtype, shape, `tensor '${brief(name)}'`)
  if (end - begin !== length)
    return fail(
      `tensor '${brief(name)}' needs ${length} bytes for ${dtype}[${shape.join(',')}], but has ${end - begin}`
    )
  return { name, dtype, shape, begin, length }
}

const isObject = (json: Json | undefined): json is ReadonlyMap<string, Json> => json instanceof Map
const isCounts = (json: Json | undefined): json is readonly number[] =>
  Array.isArray(json) && json.every(n => Number.isSafeInteger(n) && n >= 0)

function parseMetadata(json: Json | undefined, fail: Fail): Readonly<Record<string, string>> {
  if (json === undefined || json === null) return {}
  if (!isObject(json)) return fail(`${metadataKey} must be an object`)
  if (json.size > metadataLimit) fail(`${metadataKey} must hold at most ${metadataLimit} texts, holds ${json.size}`)
  const out: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [key, value] of json)
    out[key] = typeof value === 'string' ? value : fail(`${metadataKey} must hold texts, '${brief(key)}' is not one`)
  return out
}

/**
 * Writes safetensors as a stream of chunks, holding one tensor at a time: the header, padded with spaces to 8 bytes,
 * then the data, wide types first so that each tensor is aligned to its element. Types are written as stored; see
 * `storedIn` to write others.
 */
export async function* writeSafetensors(
  tensors: WeightSource | Readonly<Record<string, HostTensor>>,
  { metadata, signal }: { metadata?: Readonly<Record<string, string>>; signal?: AbortSignal } = {}
): AsyncGenerator<Uint8Array> {
  const source = asWeightSource(tensors)
  const width = (dtype: StoredDType): number => storedBytes[dtype]
  const infos = source.names.map(name => source.info(name)).sort((a, b) => width(b.dtype) - width(a.dtype))
  let end = 0
  const fields = infos.map(info => {
    if (info.name === metadataKey)
      throw new WeightsError('E_WEIGHTS_FORMAT', `safetensors: a tensor cannot be called ${metadataKey}`)
    const begin = end
    end += lengthOf(info)
    return `${JSON.stringify(info.name)}:${JSON.stringify({ dtype: info.dtype, shape: info.shape, data_offsets: [begin, end] })}`
  })
  const notes = metadata ?? source.metadata
  if (Object.keys(notes).length) fields.unshift(`"${metadataKey}":${JSON.stringify(notes)}`)
  const json = new TextEncoder().encode(`{${fields.join(',')}}`)
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true)
  header.set(json, 8)
  yield header
  for (const { name } of infos) yield source.bytes(name, signal)
}

/** A writer's input as a source. */
export function asWeightSource(tensors: WeightSource | Readonly<Record<string, HostTensor>>): WeightSource {
  const isSource = (given: typeof tensors): given is WeightSource => typeof given.bytes === 'function'
  return isSource(tensors) ? tensors : memoryWeights(tensors)
}
