import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Folder } from './folder.js'
import { weightsCache } from './weights-cache.js'

/** A folder in memory, and its files to spoil. */
function memoryFolder(): { folder: Folder; files: Map<string, Uint8Array<ArrayBuffer>>; open: Set<string> } {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  const open = new Set<string>()
  const folder: Folder = {
    read: async name => (files.has(name) ? new Blob([files.get(name)!]) : undefined),
    async create(name) {
      const chunks: Uint8Array<ArrayBuffer>[] = []
      open.add(name)
      return {
        write: async chunk => {
          chunks.push(chunk.slice())
        },
        async commit() {
          files.set(name, new Uint8Array(await new Blob(chunks).arrayBuffer()))
          open.delete(name)
        },
        discard: async () => {
          open.delete(name)
        }
      }
    },
    remove: async name => {
      files.delete(name)
    },
    names: async () => [...files.keys()]
  }
  return { folder, files, open }
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
  it('keeps a stream and gives it back, now and on the next visit', async () => {
    const { folder } = memoryFolder()
    const told: number[] = []
    const blob = await weightsCache(folder).keep(
      { ...incoming, stream: stream(), sha256: sum.toUpperCase() },
      { onBytes: loaded => told.push(loaded) }
    )
    expect([blob.size, told]).toEqual([1000, [300, 1000]])
    const later = weightsCache(folder)
    expect(await later.list()).toMatchObject([{ key: incoming.key, label: 'model.pth', size: 1000, sha256: sum }])
    expect(new Uint8Array(await (await later.open(incoming.key))!.arrayBuffer())).toEqual(bytes)
    await later.forget(incoming.key)
    expect([await later.list(), await later.open(incoming.key), await folder.names()]).toEqual([
      [],
      undefined,
      ['index.json']
    ])
  })

  it.each([
    ['cut off', { stream: stream([bytes.slice(0, 300)]) }, /1000 bytes, 300 came/],
    [
      'of another sum',
      { stream: stream(), sha256: sum.replace(/^./, c => (c === '0' ? '1' : '0')) },
      /must have the SHA-256/
    ],
    ['broken', { stream: stream([bytes.slice(0, 300)], c => c.error(new Error('reset'))) }, /reset/]
  ])('keeps nothing of a download that is %s', async (_, part, message) => {
    const { folder, files, open } = memoryFolder()
    await expect(weightsCache(folder).keep({ ...incoming, ...part })).rejects.toThrow(message)
    expect([files.size, open.size]).toEqual([0, 0])
  })

  it('keeps nothing after an abort, and stops reading', async () => {
    const { folder, files, open } = memoryFolder()
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
    const keeping = weightsCache(folder).keep(
      { key: 'k', label: 'k', stream: endless },
      {
        signal: stop.signal,
        onBytes: loaded => {
          if (loaded > 5000) stop.abort(new Error('enough'))
        }
      }
    )
    await expect(keeping).rejects.toThrow('enough')
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
    ['cut', (data: Uint8Array<ArrayBuffer>) => data.slice(1)]
  ])('throws away a kept file that was %s', async (_, spoil) => {
    const { folder, files } = memoryFolder()
    const cache = weightsCache(folder)
    await cache.keep({ ...incoming, stream: stream() })
    const [{ file }] = await cache.list()
    files.set(file, spoil(files.get(file)!))
    expect(await cache.open(incoming.key)).toBeUndefined()
    expect([await cache.list(), files.has(file)]).toEqual([[], false])
  })

  it('replaces a model of the same key, and loses none that is kept at the same time', async () => {
    const { folder } = memoryFolder()
    const cache = weightsCache(folder)
    await Promise.all(['a', 'b', 'a', 'c'].map(key => cache.keep({ key, label: key, stream: stream() })))
    expect((await cache.list()).map(e => e.key).sort()).toEqual(['a', 'b', 'c'])
    expect((await folder.names()).length).toBe(4)
  })
})
