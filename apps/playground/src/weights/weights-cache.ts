import { refusing, type Refuse } from '@sam/core/graph'
import type { Folder } from './folder.js'
import { sha256 } from './sha256.js'

/** A model that was kept on this device. */
export interface KeptModel {
  /** What it was asked for by: an address, or `file:` and a name. */
  readonly key: string
  readonly label: string
  readonly size: number
  readonly sha256: string
  /** The file it is in. */
  readonly file: string
}

export interface Incoming {
  readonly key: string
  readonly label: string
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Bytes announced; undefined when unknown. */
  readonly size?: number | undefined
  /** The sum that it must have, where it is known. */
  readonly sha256?: string | undefined
}

export interface CacheOptions {
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: ((loaded: number, total: number) => void) | undefined
}

export interface WeightsCache {
  list(): Promise<readonly KeptModel[]>
  /** The file, checked against its size and sum; what fails the check is thrown away and not there. */
  open(key: string, options?: CacheOptions): Promise<Blob | undefined>
  /**
   * Takes in a stream. Throws `WeightsError` `E_WEIGHTS_IO` when it is cut off or its sum is wrong; then, and after an
   * abort, nothing stays.
   */
  keep(incoming: Incoming, options?: CacheOptions): Promise<Blob>
  forget(key: string): Promise<void>
}

const index = 'index.json'
/** What no entry knows after this many milliseconds is left of a visit that ended in the middle. */
const abandoned = 24 * 3600 * 1000

/**
 * Models in a folder, and an index of them. An entry is written after its file is whole and checked, so nothing half is
 * ever found.
 */
export function weightsCache(folder: Folder): WeightsCache {
  const list = async (): Promise<KeptModel[]> => {
    const blob = await folder.read(index)
    try {
      return blob ? (JSON.parse(await blob.text()) as KeptModel[]) : []
    } catch {
      return []
    }
  }
  let turn: Promise<unknown> = Promise.resolve()
  /** Changes the index, one change after the other, and removes the files that it no longer names. */
  const update = (change: (entries: KeptModel[]) => KeptModel[]): Promise<void> => {
    const mine = turn.then(async () => {
      const before = await list()
      const after = change(before)
      const sink = await folder.create(index)
      await sink.write(new TextEncoder().encode(JSON.stringify(after)))
      await sink.commit()
      const named = new Set(after.map(e => e.file))
      const dropped = new Set(before.map(e => e.file))
      for (const name of await folder.names()) {
        const old = Date.now() - Number(name.split('-')[0]) > abandoned
        if (name !== index && !named.has(name) && (dropped.has(name) || old)) await folder.remove(name)
      }
    })
    turn = mine.catch(() => {})
    return mine
  }
  const forget = (key: string): Promise<void> => update(entries => entries.filter(e => e.key !== key))

  return {
    list,
    forget,
    async open(key, options = {}) {
      const entry = (await list()).find(e => e.key === key)
      if (!entry) return undefined
      const blob = await folder.read(entry.file)
      if (blob?.size === entry.size && (await sumOf(blob.stream(), entry.size, options)) === entry.sha256) return blob
      await forget(key)
      return undefined
    },
    async keep({ key, label, stream, size, sha256: wanted }, options = {}) {
      const file = `${Date.now()}-${crypto.randomUUID()}`
      const sink = await folder.create(file)
      const fail: Refuse = refusing('E_WEIGHTS_IO', `${label}: `)
      let found: string
      let written = 0
      try {
        const write = (chunk: Uint8Array<ArrayBuffer>): Promise<void> => {
          written += chunk.length
          return sink.write(chunk)
        }
        found = await sumOf(stream, size ?? 0, { ...options, write })
        if (size !== undefined && written !== size)
          fail(`must have ${size} bytes, ${written} came; the connection was cut off, try again`)
        if (wanted !== undefined && found !== wanted.toLowerCase())
          fail(`must have the SHA-256 ${wanted}, found ${found}; it is another file, or damaged`)
        await sink.commit()
      } catch (error) {
        await sink.discard()
        throw error
      }
      await update(entries => [
        ...entries.filter(e => e.key !== key),
        { key, label, size: written, sha256: found, file }
      ])
      return (await folder.read(file)) ?? fail('could not be read back; the browser may be out of space')
    }
  }
}

/** The sum of a stream, which is passed on to `write`. */
async function sumOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  total: number,
  { signal, onBytes, write }: CacheOptions & { write?: (chunk: Uint8Array<ArrayBuffer>) => Promise<void> }
): Promise<string> {
  const sum = sha256()
  const reader = stream.getReader()
  const stop = (): void => {
    reader.cancel(signal?.reason).catch(() => {})
  }
  signal?.addEventListener('abort', stop, { once: true })
  try {
    for (let loaded = 0; ; ) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) return sum.digest()
      sum.update(value)
      await write?.(value)
      onBytes?.((loaded += value.length), total)
    }
  } catch (error) {
    stop()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
