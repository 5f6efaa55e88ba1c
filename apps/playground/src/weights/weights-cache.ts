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
  /** What its address told this version by: `ETag` or `Last-Modified`. */
  readonly version?: string | undefined
}

/** A kept model that is in use: no page removes its file before it is released. */
export interface KeptFile {
  /** Read lazily, from the file. */
  readonly blob: Blob
  /** Removes the file, if it is not kept any more. */
  readonly release: () => Promise<void>
}

export interface Incoming {
  readonly key: string
  readonly label: string
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Bytes announced; undefined when unknown. */
  readonly size?: number | undefined
  /** The sum that it must have, where it is known. */
  readonly sha256?: string | undefined
  readonly version?: string | undefined
}

export interface CacheOptions {
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: ((loaded: number, total: number) => void) | undefined
}

export interface WeightsCache {
  list(): Promise<readonly KeptModel[]>
  /** The file, checked against its size and sum; what fails the check is thrown away and not there. */
  open(key: string, options?: CacheOptions): Promise<KeptFile | undefined>
  /**
   * Takes in a stream. Throws `WeightsError` `E_WEIGHTS_IO` when it is cut off or its sum is wrong; then, and after an
   * abort, nothing stays.
   */
  keep(incoming: Incoming, options?: CacheOptions): Promise<KeptFile>
  /** The file itself goes once nobody uses it. */
  forget(key: string): Promise<void>
}

const index = 'index.json'
const lockOf = (file: string): string => `sam-models/${file}`

/**
 * Models in a folder, and an index of them. An entry is written after its file is whole and checked, so nothing half is
 * ever found. `locks` are the browser's, the same for every tab: one tab at a time changes the index, and a file that
 * one tab uses is removed by none. The browser releases the locks of a tab that is closed.
 */
export function weightsCache(folder: Folder, locks: Pick<LockManager, 'request'>): WeightsCache {
  const list = async (): Promise<KeptModel[]> => {
    const blob = await folder.read(index)
    try {
      return blob ? (JSON.parse(await blob.text()) as KeptModel[]) : []
    } catch {
      return []
    }
  }
  /** Removes the files that the index does not name and nobody uses. */
  const sweep = async (): Promise<void> => {
    const named = new Set((await list()).map(e => e.file))
    for (const name of await folder.names()) {
      if (name === index || named.has(name)) continue
      await locks.request(lockOf(name), { ifAvailable: true }, async lock => {
        if (lock) await folder.remove(name)
      })
    }
  }
  const update = async (change: (entries: KeptModel[]) => KeptModel[]): Promise<void> => {
    await locks.request(lockOf(index), async () => {
      const after = change(await list())
      const sink = await folder.create(index)
      await sink.write(new TextEncoder().encode(JSON.stringify(after)))
      await sink.commit()
      await sweep()
    })
  }
  /** Marks a file as used. Returns how to release it. */
  const use = async (file: string): Promise<() => Promise<void>> => {
    let end!: () => void
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    let released!: Promise<unknown>
    await new Promise<void>((resolve, reject) => {
      released = locks.request(lockOf(file), { mode: 'shared' }, () => {
        resolve()
        return ended
      })
      released.catch(reject)
    })
    return async () => {
      end()
      await released
      await locks.request(lockOf(index), sweep)
    }
  }

  return {
    list,
    forget: key => update(entries => entries.filter(e => e.key !== key)),
    async open(key, options = {}) {
      const entry = (await list()).find(e => e.key === key)
      if (!entry) return undefined
      const release = await use(entry.file)
      let whole = false
      try {
        const blob = await folder.read(entry.file)
        whole = blob?.size === entry.size && (await sumOf(blob.stream(), entry.size, options)) === entry.sha256
        if (whole) return { blob: blob!, release }
        await update(entries => entries.filter(e => e.file !== entry.file))
        return undefined
      } finally {
        if (!whole) await release()
      }
    },
    async keep({ key, label, stream, size, sha256: wanted, version }, options = {}) {
      const file = `${Date.now()}-${crypto.randomUUID()}`
      const release = await use(file)
      const fail: Refuse = refusing('E_WEIGHTS_IO', `${label}: `)
      try {
        const sink = await folder.create(file)
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
          { key, label, size: written, sha256: found, file, version }
        ])
        const blob = (await folder.read(file)) ?? fail('could not be read back; the browser may be out of space')
        return { blob, release }
      } catch (error) {
        await release()
        throw error
      }
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
