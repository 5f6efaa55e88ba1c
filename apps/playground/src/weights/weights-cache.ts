import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { refuse, refusing, type Refuse } from '@sam/core/graph'
import type { Folder } from './folder.js'

/** A model stored on this device. */
export interface StoredModel {
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

/** A stored model in use: no tab removes its file before it is released. */
export interface StoredFile {
  readonly key: string
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
  list(): Promise<readonly StoredModel[]>
  /** Opens a model, verified by size and SHA-256. Undefined if there is none. Removes a file that fails the check. */
  open(key: string, options?: CacheOptions): Promise<StoredFile | undefined>
  /**
   * Stores a stream. Throws `WeightsError` `E_WEIGHTS_IO` if it is cut off or its SHA-256 differs. Nothing is stored
   * then, or after an abort.
   */
  store(incoming: Incoming, options?: CacheOptions): Promise<StoredFile>
  /** Removes a model from the index; its file is removed when no tab uses it. */
  remove(key: string): Promise<void>
  /** Removes the files that are neither in the index nor in use, such as those of a worker that has ended. */
  sweep(): Promise<void>
}

const index = 'index.json'
const lockOf = (file: string): string => `sam-models/${file}`

/**
 * Models in a folder, with an index. An entry is written after its file is complete and verified, so no partial file is
 * ever listed. `locks` are the Web Locks shared by all tabs: one tab at a time changes the index, and a file in use by
 * any tab is not removed. The browser releases the locks of a closed tab.
 */
export function weightsCache(folder: Folder, locks: Pick<LockManager, 'request'>): WeightsCache {
  const list = async (): Promise<StoredModel[]> => {
    const blob = await folder.read(index)
    try {
      return blob ? (JSON.parse(await blob.text()) as StoredModel[]) : []
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
  const update = async (change: (entries: StoredModel[]) => StoredModel[]): Promise<void> => {
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
    sweep: () => locks.request(lockOf(index), sweep),
    remove: key => update(entries => entries.filter(e => e.key !== key)),
    async open(key, options = {}) {
      const entry = (await list()).find(e => e.key === key)
      if (!entry) return undefined
      const release = await use(entry.file)
      let valid = false
      try {
        const blob = await folder.read(entry.file)
        valid = blob?.size === entry.size && (await sumOf(blob.stream(), entry.size, options)) === entry.sha256
        if (valid) return { key, blob: blob!, release }
        await update(entries => entries.filter(e => e.file !== entry.file))
        return undefined
      } finally {
        if (!valid) await release()
      }
    },
    async store(incoming, options = {}) {
      const { key, label, version } = incoming
      const file = `${Date.now()}-${crypto.randomUUID()}`
      const release = await use(file)
      try {
        const sink = await folder.create(file)
        let received: Received
        try {
          received = await receive(incoming, { ...options, write: chunk => sink.write(chunk) })
          await sink.commit()
        } catch (error) {
          await sink.discard()
          throw error
        }
        await update(entries => [...entries.filter(e => e.key !== key), { key, label, ...received, file, version }])
        const blob =
          (await folder.read(file)) ??
          refuse('E_WEIGHTS_IO', `${label}: could not be read back; the browser may be out of space`)
        return { key, blob, release }
      } catch (error) {
        await release()
        throw error
      }
    }
  }
}

/** A stream as a Blob in memory, with the checks of `store`. Throws what `store` throws. */
export async function verifiedBlob(incoming: Incoming, options: CacheOptions = {}): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  await receive(incoming, {
    ...options,
    write: async chunk => {
      chunks.push(chunk)
    }
  })
  return new Blob(chunks)
}

type Received = Pick<StoredModel, 'size' | 'sha256'>
type Write = (chunk: Uint8Array<ArrayBuffer>) => Promise<void>

/** Passes a stream to `write` and checks its size and SHA-256. Throws `WeightsError` `E_WEIGHTS_IO`. */
async function receive(
  { label, stream, size, sha256: wanted }: Incoming,
  { write, ...options }: CacheOptions & { write: Write }
): Promise<Received> {
  const fail: Refuse = refusing('E_WEIGHTS_IO', `${label}: `)
  let received = 0
  const sha256 = await sumOf(stream, size ?? 0, {
    ...options,
    write: chunk => {
      received += chunk.length
      return write(chunk)
    }
  })
  if (size !== undefined && received !== size)
    fail(`must have ${size} bytes, found ${received}; the connection was interrupted, try again`)
  if (wanted !== undefined && sha256 !== wanted.toLowerCase())
    fail(`must have the SHA-256 ${wanted}, found ${sha256}; the file is damaged, or not the expected one; try again`)
  return { size: received, sha256 }
}

/** SHA-256 of a stream, whose chunks are also passed to `write`. */
async function sumOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  total: number,
  { signal, onBytes, write }: CacheOptions & { write?: Write }
): Promise<string> {
  const sum = sha256.create()
  const reader = stream.getReader()
  const stop = (): void => {
    reader.cancel(signal?.reason).catch(() => {})
  }
  signal?.addEventListener('abort', stop, { once: true })
  try {
    for (let loaded = 0; ; ) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) return bytesToHex(sum.digest())
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
