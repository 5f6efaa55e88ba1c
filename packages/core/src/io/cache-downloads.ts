import type { Downloads, DownloadsAt, PartialFile } from './downloads.js'
import { WeightsError } from '../errors.js'

const cacheName = 'sam-hub'

/** Keys of the cache must be URLs; this host never exists (RFC 2606). */
const base = 'https://sam.invalid/'

/** Bytes per entry of the cache: what an interruption loses at most. */
const partSize = 8 * 2 ** 20

const failed =
  (name: string) =>
  (cause: DOMException): never => {
    const full = cause.name === 'QuotaExceededError'
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${name}: the browser could not store it (${cause.message}); ${full ? 'free space on this device, or remove stored data of this page' : 'allow this page to store data'}`,
      { cause }
    )
  }

async function openCache(): Promise<Cache> {
  if (typeof caches === 'undefined')
    throw new WeightsError(
      'E_WEIGHTS_IO',
      'downloads: the browser must have the Cache API, and has it in secure contexts alone; serve the page from https or localhost'
    )
  return caches.open(cacheName).catch(failed('downloads'))
}

const urlOf = (path: readonly string[]): string => base + path.map(name => `${encodeURIComponent(name)}/`).join('')

/** Folders in a folder of the cache. */
export async function foldersIn({ path }: DownloadsAt): Promise<readonly string[]> {
  const start = urlOf(path)
  const names = (await (await openCache()).keys())
    .filter(({ url }) => url.startsWith(start))
    .map(({ url }) => url.slice(start.length).split('/'))
  return [...new Set(names.filter(parts => parts.length > 1).map(([name]) => decodeURIComponent(name)))]
}

/**
 * Downloads in the Cache API. A file is stored in parts, each of them whole, so an interrupted download goes on after
 * the last one; an entry under the file's own URL says that it is complete. A Web Lock keeps other tabs from
 * downloading the same file.
 */
export async function openDownloads({ path }: DownloadsAt): Promise<Downloads> {
  const cache = await openCache()
  const folder = urlOf(path)
  const partOf = (name: string, part: number): string => `${folder}${encodeURIComponent(name)}?part=${part}`

  const partsOf = async (name: string): Promise<Blob[]> => {
    const parts: Blob[] = []
    for (;;) {
      const found = await cache.match(partOf(name, parts.length))
      if (!found) return parts
      parts.push(await found.blob())
    }
  }
  const sizeOf = (parts: readonly Blob[]): number => parts.reduce((n, part) => n + part.size, 0)

  return {
    async find(name, size) {
      if (!(await cache.match(folder + encodeURIComponent(name)))) return undefined
      const parts = await partsOf(name)
      return sizeOf(parts) === (size ?? sizeOf(parts)) ? new Blob(parts) : undefined
    },
    async begin(name, signal): Promise<PartialFile> {
      const unlock = await lock(folder + name, signal)
      const parts = await partsOf(name)
      let pending: Uint8Array<ArrayBuffer>[] = []
      let [stored, waiting] = [sizeOf(parts), 0]
      const flush = async (): Promise<void> => {
        if (waiting === 0) return
        const part = new Blob(pending)
        await cache.put(partOf(name, parts.length), new Response(part)).catch(failed(name))
        parts.push(part)
        ;[stored, pending, waiting] = [stored + waiting, [], 0]
      }
      const truncate = async (): Promise<void> => {
        await cache.delete(folder + encodeURIComponent(name))
        for (; parts.length > 0; parts.pop()) await cache.delete(partOf(name, parts.length - 1))
        ;[stored, pending, waiting] = [0, [], 0]
      }
      return {
        get size() {
          return stored + waiting
        },
        async *chunks() {
          for (const part of [...parts, ...pending.map(chunk => new Blob([chunk]))])
            yield new Uint8Array(await part.arrayBuffer())
        },
        async write(chunk) {
          pending.push(chunk)
          waiting += chunk.length
          if (waiting >= partSize) await flush()
        },
        truncate,
        async commit() {
          await flush()
          await cache.put(folder + encodeURIComponent(name), new Response('')).catch(failed(name))
          unlock()
          return new Blob(await partsOf(name)) // those of the cache: their bytes are on disk
        },
        async close() {
          await flush().catch(() => {}) // what could not be stored is downloaded again
          unlock()
        },
        async discard() {
          await truncate()
          unlock()
        }
      }
    }
  }
}

/** Waits for a Web Lock. Returns what releases it. */
function lock(name: string, signal: AbortSignal | undefined): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, signal ? { signal } : {}, () => new Promise<void>(release => resolve(release)))
      .catch(reject)
  })
}
