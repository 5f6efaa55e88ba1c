import { failAt } from './fail.js'
import { nameLimit, tensorLimit } from './limits.js'
import { bytesOf, fromF32, storedBytes, storedLength, toF32, type StoredDType } from './stored.js'
import { brief } from '../errors.js'
import { f32, type HostTensor } from '../tensor/tensor.js'
import type { ByteSource } from '#io'
import type { DType } from '../tensor/dtype.js'
import type { Shape } from '../tensor/shape.js'

export type { ByteSource } from '#io'

/** A tensor of a checkpoint, without its data. */
export interface WeightInfo {
  readonly name: string
  readonly dtype: StoredDType
  readonly shape: Shape
}

/** Where a tensor lies in a local file: `length` raw bytes from `offset`, little-endian, row-major, without gaps. */
export interface WeightLocation {
  readonly path: string
  readonly offset: number
  readonly length: number
}

/** The tensors of a checkpoint by name. Opening reads names and shapes only; data is read a tensor at a time. */
export interface WeightSource {
  /** What messages call it. */
  readonly label: string
  readonly names: readonly string[]
  /** Free text stored beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>
  has(name: string): boolean
  /** Throws `WeightsError` `E_WEIGHTS_MISMATCH` for a name that is not there; so do the readers below. */
  info(name: string): WeightInfo
  /** The tensor as f32, whatever its stored type: see `toF32`. */
  read(name: string, signal?: AbortSignal): Promise<HostTensor<'f32'>>
  /** The stored bytes, little-endian and row-major, in a buffer of their own. */
  bytes(name: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  /** The first `length` of the stored bytes, or all where there are fewer; no more is read where the format allows. */
  head(name: string, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Where exactly these bytes lie in a local file, if one holds them without gaps: an ONNX model can point there
   * instead of copying them.
   */
  locate(name: string): WeightLocation | undefined
  close(): Promise<void>
}

/** What a format knows of one tensor. `bytes` answers the stored bytes in a buffer of their own. */
export interface WeightEntry extends WeightInfo {
  bytes(signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  /** Without it, all bytes are read and the rest is dropped. */
  head?(length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  locate?(): WeightLocation | undefined
}

/**
 * A source over entries: every format ends here. Throws `WeightsError` `E_WEIGHTS_FORMAT` for more names, or longer
 * ones, than the limits allow.
 */
export function weightSource(
  label: string,
  entries: Iterable<WeightEntry>,
  {
    metadata = {},
    close = async () => {}
  }: { metadata?: Readonly<Record<string, string>>; close?: () => Promise<void> } = {}
): WeightSource {
  const byName = new Map<string, WeightEntry>()
  for (const entry of entries) {
    if (entry.name.length > nameLimit)
      failAt(label)(
        `names must have at most ${nameLimit} characters, found ${entry.name.length}: '${brief(entry.name)}'`
      )
    if (byName.size >= tensorLimit) failAt(label)(`must hold at most ${tensorLimit} tensors`)
    byName.set(entry.name, entry)
  }
  const find = (name: string): WeightEntry => {
    return byName.get(name) ?? failAt(label, 'E_WEIGHTS_MISMATCH')(`no tensor is called '${brief(name)}'`)
  }
  return {
    label,
    names: [...byName.keys()],
    metadata,
    has: name => byName.has(name),
    info: name => {
      const { dtype, shape } = find(name)
      return { name, dtype, shape }
    },
    read: async (name, signal) => {
      const entry = find(name)
      return f32(entry.shape, toF32(entry.dtype, await entry.bytes(signal)))
    },
    bytes: async (name, signal) => find(name).bytes(signal),
    head: async (name, length, signal) => {
      const entry = find(name)
      return (await entry.head?.(length, signal)) ?? (await entry.bytes(signal)).slice(0, length)
    },
    locate: name => find(name).locate?.(),
    close
  }
}

const storedAs: Readonly<Record<DType, StoredDType>> = { f32: 'F32', f16: 'F16', i32: 'I32', bool: 'BOOL' }

/** Tensors that are in memory already, by name. */
export function memoryWeights(tensors: Readonly<Record<string, HostTensor>>, label = 'memory'): WeightSource {
  return weightSource(
    label,
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => ({
      name,
      dtype: storedAs[dtype],
      shape,
      bytes: async () => bytesOf(data)
    }))
  )
}

/** The same tensors under other names: `rename` gives the new name of each old one, or undefined to leave it out. */
export function renamed(source: WeightSource, rename: (name: string) => string | undefined): WeightSource {
  const entries = source.names.flatMap(old => {
    const name = rename(old)
    return name === undefined ? [] : [{ ...entryOf(source, old), name }]
  })
  return weightSource(source.label, entries, source)
}

/** One source over several; where names repeat, the last one wins. Closing closes them all. */
export function merged(label: string, sources: readonly WeightSource[]): WeightSource {
  return weightSource(
    label,
    sources.flatMap(source => source.names.map(name => entryOf(source, name))),
    {
      metadata: Object.fromEntries(sources.flatMap(source => Object.entries(source.metadata))),
      close: async () => {
        await Promise.all(sources.map(source => source.close()))
      }
    }
  )
}

/**
 * The same tensors stored in another type, converted one at a time as they are read: what a writer needs to write
 * halves.
 */
export function storedIn(source: WeightSource, dtype: StoredDType): WeightSource {
  return weightSource(
    source.label,
    source.names.map(name => {
      const entry = entryOf(source, name)
      if (entry.dtype === dtype) return entry
      const bytes = async (signal?: AbortSignal) => fromF32(dtype, (await source.read(name, signal)).data)
      return { name, dtype, shape: entry.shape, bytes }
    }),
    source
  )
}

function entryOf(source: WeightSource, name: string): WeightEntry {
  return {
    ...source.info(name),
    bytes: signal => source.bytes(name, signal),
    head: (length, signal) => source.head(name, length, signal),
    locate: () => source.locate(name)
  }
}

/** An entry whose bytes lie in one piece at `offset` of a file. */
export function rangeEntry(source: ByteSource, info: WeightInfo, offset: number): WeightEntry {
  const length = storedLength(info.dtype, info.shape, info.name)
  return {
    ...info,
    bytes: signal => source.read(offset, length, signal),
    head: (most, signal) => source.read(offset, Math.min(most, length), signal),
    locate: () => {
      const { path } = source
      return path === undefined ? undefined : { path, offset, length }
    }
  }
}

/** Bytes of a tensor as it is stored. */
export const lengthOf = ({ dtype, shape }: WeightInfo): number =>
  shape.reduce((bytes, size) => bytes * size, storedBytes[dtype])
