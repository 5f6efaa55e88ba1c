import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Folder } from './folder.js'
import { verifiedBlob, weightsCache, type WeightsCache } from './weights-cache.js'

/** An in-memory folder, with access to its files. */
function memoryFolder() {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  const open = new Set<string>()
  const folder: Folder = {
    read: async name => (files.has(name) ? new Blob([files.get(name)!]) : undefined),
    async create(name) {
      const chunks: Uint8Array<ArrayBuffer>[] = []
      open.add(name)
      if (!files.has(name)) files.set(name, new Uint8Array()) // as in the browser: created immediately, empty
      return {
        write: async chunk => {
          chunks.push(chunk.slice())
        },
        async commit() {
          files.set(name, new Uint8Array(await new Blob(chunks).arrayBuffer()))
          open.delete(name)
        },
        discard: async () => {
          files.delete(name)
          open.delete(name)
        }
      }
    },
    remove: async name => {
      files.delete(name)
    },
    names: async () => [...files.keys()]
  }
  const locks = memoryLocks()
  /** The cache of another tab. */
  const cache = (): WeightsCache => weightsCache(folder, locks)
  return { folder, files, open, cache }
}

/** In-memory Web Locks: the subset that the cache uses. */
function memoryLocks(): Pick<LockManager, 'request'> {
  const held = new Map<string, { shared: number; exclusive: boolean; waiting: (() => void)[] }>()
  return {
    async request(name: string, ...rest: unknown[]) {
      const run = rest.pop() as (lock: object | null) => unknown
      const { mode, ifAvailable } = (rest[0] ?? {}) as LockOptions
      if (!held.has(name)) held.set(name, { shared: 0, exclusive: false, waiting: [] })
      const lock = held.get(name)!
      const taken = (): boolean => lock.exclusive || (mode !== 'shared' && lock.shared > 0)
      if (ifAvailable && taken()) return run(null)
      while (taken()) await new Promise<void>(resolve => lock.waiting.push(resolve))
      if (mode === 'shared') lock.shared++
      else lock.exclusive = true
      try {
        return await run({})
      } finally {
        if (mode === 'shared') lock.shared--
        else lock.exclusive = false
        for (const resolve of lock.waiting.splice(0)) resolve()
      }
    }
  } as Pick<LockManager, 'request'>
}

const bytes = new Uint8Array(1000).map((_, i) => i)
const sum = createHash('sha256').update(bytes).digest('hex')
const stream = (
  parts: readonly Uint8Array<ArrayBuffer>[] = [bytes.slice(0, 300), bytes.slice(300)],
  end: (c: ReadableStreamDefaultController) => void = c => c.close()
) =>
  new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(c) {
      for (const part of parts) c.enqueue(part)
      end(c)
    }
  })
const incoming = { key: 'https://x/model.pth', label: 'model.pth', size: 1000 }

describe('weightsCache', () => {
  it('stores a stream and opens it again, also on the next visit', async () => {
    const { folder, cache } = memoryFolder()
    const progress: number[] = []
    const { blob, release } = await cache().store(
      { ...incoming, stream: stream(), sha256: sum.toUpperCase() },
      { onBytes: loaded => progress.push(loaded) }
    )
    expect([blob.size, progress]).toEqual([1000, [300, 1000]])
    await release()
    const later = cache()
    expect(await later.list()).toMatchObject([{ key: incoming.key, label: 'model.pth', size: 1000, sha256: sum }])
    const again = (await later.open(incoming.key))!
    expect(new Uint8Array(await again.blob.arrayBuffer())).toEqual(bytes)
    await again.release()
    await later.remove(incoming.key)
    expect([await later.list(), await later.open(incoming.key), await folder.names()]).toEqual([
      [],
      undefined,
      ['index.json']
    ])
  })

  it.each([
    ['cut off', () => ({ stream: stream([bytes.slice(0, 300)]) }), /1000 bytes, found 300/],
    [
      'of another checksum',
      () => ({ stream: stream(), sha256: sum.replace(/^./, c => (c === '0' ? '1' : '0')) }),
      /must have the SHA-256/
    ],
    ['broken', () => ({ stream: stream([bytes.slice(0, 300)], c => c.error(new Error('reset'))) }), /reset/]
  ])('stores nothing of a download that is %s', async (_, part, message) => {
    const { cache, files, open } = memoryFolder()
    await expect(cache().store({ ...incoming, ...part() })).rejects.toThrow(message)
    expect([files.size, open.size]).toEqual([0, 0])
    await expect(verifiedBlob({ ...incoming, ...part() })).rejects.toThrow(message)
  })

  it('stores nothing after an abort, and cancels the stream', async () => {
    const { cache, files, open } = memoryFolder()
    const stop = new AbortController()
    let cancelled = false
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(c) {
        c.enqueue(bytes.slice())
      },
      cancel() {
        cancelled = true
      }
    })
    const storing = cache().store(
      { key: 'k', label: 'k', stream: endless },
      {
        signal: stop.signal,
        onBytes: loaded => {
          if (loaded > 5000) stop.abort(new Error('enough'))
        }
      }
    )
    await expect(storing).rejects.toThrow('enough')
    expect([files.size, open.size, cancelled]).toEqual([0, 0, true])
  })

  it.each([
    [
      'changed',
      (data: Uint8Array<ArrayBuffer>) => {
        data[500] ^= 1
        return data
      }
    ],
    ['truncated', (data: Uint8Array<ArrayBuffer>) => data.slice(1)]
  ])('removes a stored file that was %s', async (_, spoil) => {
    const { cache, files } = memoryFolder()
    const models = cache()
    await (await models.store({ ...incoming, stream: stream() })).release()
    const [{ file }] = await models.list()
    files.set(file, spoil(files.get(file)!))
    expect(await models.open(incoming.key)).toBeUndefined()
    expect([await models.list(), files.has(file)]).toEqual([[], false])
  })

  it('replaces a model with the same key, and loses none stored concurrently by any tab', async () => {
    const { folder, cache } = memoryFolder()
    const tabs = [cache(), cache()]
    const stored = await Promise.all(
      ['a', 'b', 'a', 'c'].map((key, i) => tabs[i % 2].store({ key, label: key, stream: stream() }))
    )
    for (const { release } of stored) await release()
    expect((await tabs[0].list()).map(e => e.key).sort()).toEqual(['a', 'b', 'c'])
    expect((await folder.names()).length).toBe(4)
  })

  it('removes the file of a removed model when no tab uses it', async () => {
    const { cache, files } = memoryFolder()
    const tabs = [cache(), cache()]
    const first = await tabs[0].store({ ...incoming, stream: stream() })
    const second = (await tabs[1].open(incoming.key))!
    const [{ file }] = await tabs[0].list()
    await tabs[1].remove(incoming.key)
    expect([await tabs[0].list(), files.has(file)]).toEqual([[], true])
    await second.release()
    expect(files.has(file)).toBe(true)
    await first.release()
    expect(files.has(file)).toBe(false)
  })

  it('removes leftovers of an interrupted visit, but no file of a running download', async () => {
    const { cache, files, folder } = memoryFolder()
    await (await folder.create('left-behind')).commit()
    let end!: () => void
    const slow = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(c) {
        end = () => c.close()
      }
    })
    const storing = cache().store({ key: 'slow', label: 'slow', stream: slow })
    await expect.poll(() => files.size).toBe(2)
    await cache().remove('nothing')
    expect([files.has('left-behind'), files.size]).toEqual([false, 2])
    end()
    await (await storing).release()
    expect(files.size).toBe(2)
  })

  it('verifiedBlob: returns the bytes of a stream with the expected checksum', async () => {
    const blob = await verifiedBlob({ ...incoming, stream: stream(), sha256: sum })
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytes)
  })

  it('stores the version of a download', async () => {
    const { cache } = memoryFolder()
    await (await cache().store({ ...incoming, stream: stream(), version: '"one"' })).release()
    expect(await cache().list()).toMatchObject([{ version: '"one"' }])
  })
})
