import { refusing, type Refuse } from '@sam/core/graph'
import type { Folder } from './folder.js'
import { sha256 } from './sha256.js'

/** A model saved on this device. */
export interface KeptModel {
  /** Its URL, or `file:` and a file name. */
  readonly key: string
  readonly label: string
  readonly size: number
  readonly sha256: string
  /** Name of its file in the folder. */
  readonly file: string
  /** Version sent by the server: `ETag` or `Last-Modified`. */
  readonly version?: string | undefined
}

/** A saved model in use: no tab removes its file before it is released. */
export interface KeptFile {
  /** Read lazily from the file. */
  readonly blob: Blob
  /** Releases the file, and removes it if the index no longer names it. */
  readonly release: () => Promise<void>
}

export interface Incoming {
  readonly key: string
  readonly label: string
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Expected size in bytes; undefined if unknown. */
  readonly size?: number | undefined
  /** Expected SHA-256, if known. */
  readonly sha256?: string | undefined
  readonly version?: string | undefined
}

export interface CacheOptions {
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: ((loaded: number, total: number) => void) | undefined
}

export interface WeightsCache {
  list(): Promise<readonly KeptModel[]>
  /** Opens a model, verified by size and SHA-256. Undefined if there is none. Removes a file that fails the check. */
  open(key: string, options?: CacheOptions): Promise<KeptFile | undefined>
  /**
   * Saves a stream. Throws `WeightsError` `E_WEIGHTS_IO` if it is cut off or its SHA-256 differs. Nothing is saved
   * then, or after an abort.
   */
  keep(incoming: Incoming, options?: CacheOptions): Promise<KeptFile>
  /** Removes a model from the index; its file is removed when no tab uses it. */
  forget(key: string): Promise<void>
}

const index = 'index.json'
const lockOf = (file: string): string => `sam-models/${file}`

/**
 * Models in a folder, with an index. An entry is written after its file is complete and verified, so no partial file is
 * ever listed. `locks` are the Web Locks shared by all tabs: one tab at a time changes the index, and a file in use by
 * any tab is not removed. The browser releases the locks of a closed tab.
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
  /** Removes the files that are neither in the index nor in use. */
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
  /** Locks a file as in use. Returns its release function. */
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
      let valid = false
      try {
        const blob = await folder.read(entry.file)
        valid = blob?.size === entry.size && (await sumOf(blob.stream(), entry.size, options)) === entry.sha256
        if (valid) return { blob: blob!, release }
        await update(entries => entries.filter(e => e.file !== entry.file))
        return undefined
      } finally {
        if (!valid) await release()
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
            fail(`must have ${size} bytes, found ${written}; the connection was interrupted, try again`)
          if (wanted !== undefined && found !== wanted.toLowerCase())
            fail(`must have the SHA-256 ${wanted}, found ${found}; the file is damaged, or not the expected one`)
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

/** SHA-256 of a stream, whose chunks are also passed to `write`. */
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
