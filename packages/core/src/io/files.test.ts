import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import * as browser from './browser.js'
import { blobBytes, memoryBytes, readAhead, type ByteSource } from './byte-source.js'
import * as node from './node.js'

const directory = await mkdtemp(join(tmpdir(), 'sam-io-'))
afterAll(() => rm(directory, { recursive: true }))
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)

describe('a byte source', () => {
  const makers: [string, () => Promise<ByteSource>][] = [
    ['memory', async () => memoryBytes(bytes)],
    ['blob', async () => blobBytes(new Blob([bytes]))],
    [
      'file',
      async () => {
        await writeFile(join(directory, 'bytes'), bytes)
        return node.openFile(join(directory, 'bytes'))
      }
    ],
    ['read-ahead', async () => readAhead(memoryBytes(bytes), { block: 64, keep: 2 })]
  ]
  it.each(makers)('of %s reads any range, in a buffer of its own, and nothing outside', async (_, make) => {
    const source = await make()
    expect(source.size).toBe(1000)
    for (const [offset, length] of [
      [0, 1000],
      [0, 0],
      [1000, 0],
      [3, 17],
      [60, 10],
      [999, 1],
      [100, 63],
      [100, 64],
      [0, 5]
    ] as const) {
      const read = await source.read(offset, length)
      expect(read).toEqual(bytes.slice(offset, offset + length))
      expect([read.byteOffset, read.buffer.byteLength]).toEqual([0, length])
      read.fill(255)
    }
    expect(await source.read(0, 1000)).toEqual(bytes)
    for (const [offset, length] of [
      [0, 1001],
      [1000, 1],
      [-1, 2],
      [2 ** 53, 1],
      [0.5, 1],
      [0, NaN],
      [0, -1]
    ] as const) {
      await expect(source.read(offset, length)).rejects.toMatchObject({ code: 'E_WEIGHTS_FORMAT' })
    }
    const reason = new Error('stop')
    await expect(source.read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason)
    await source.close()
  })

  it('reads ahead in few requests and asks again after a failure', async () => {
    const asked: number[] = []
    let fail = true
    const source = readAhead(
      {
        ...memoryBytes(bytes),
        read: async (offset, length) => {
          asked.push(offset)
          if (fail) throw new Error('no')
          return bytes.slice(offset, offset + length)
        }
      },
      { block: 100, keep: 2 }
    )
    await expect(source.read(10, 4)).rejects.toThrow('no')
    fail = false
    await Promise.all([source.read(10, 4), source.read(20, 4), source.read(96, 8)])
    await source.read(30, 4)
    expect(asked).toEqual([0, 0, 100])
    await source.read(250, 1)
    await source.read(0, 1)
    expect(asked).toEqual([0, 0, 100, 200])
    await source.read(150, 1)
    expect(asked).toEqual([0, 0, 100, 200, 100])
  })
})

describe('openFile', () => {
  const path = join(directory, 'weights')

  it('keeps the bytes of the file that was opened when another is renamed over it, and gives no path to it', async () => {
    await writeFile(path, bytes)
    const source = await node.openFile(path)
    expect(source.path).toBe(path)
    await node.writeFileAtomic(path, [bytes.map(x => x + 1)])
    expect(source.path).toBeUndefined()
    expect(await source.read(0, 1000)).toEqual(bytes)
    await rm(path)
    expect(source.path).toBeUndefined()
    await source.close()
  })

  it('refuses a file that is written to after it was opened', async () => {
    await writeFile(path, bytes)
    const source = await node.openFile(path)
    await utimes(path, 1, 1)
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'E_WEIGHTS_IO' })
    expect(source.path).toBeUndefined()
    await source.close()
  })
})

describe('writeFileAtomic', () => {
  const path = join(directory, 'out')
  it('writes all chunks and replaces what was there', async () => {
    await writeFile(path, 'old')
    expect(await node.writeFileAtomic(path, [bytes.subarray(0, 10), new Uint8Array(0), bytes.subarray(10)])).toBe(1000)
    expect(new Uint8Array(await readFile(path))).toEqual(bytes)
  })

  it('leaves the old file and nothing else after a failure or an abort', async () => {
    await writeFile(path, 'old')
    const before = await readdir(directory)
    const broken = async function* () {
      yield bytes
      throw new Error('broken')
    }
    await expect(node.writeFileAtomic(path, broken())).rejects.toThrow('broken')
    const stop = new AbortController()
    const aborting = async function* () {
      yield bytes
      stop.abort(new Error('stopped'))
      yield bytes
    }
    await expect(node.writeFileAtomic(path, aborting(), stop.signal)).rejects.toThrow('stopped')
    await expect(node.writeFileAtomic(join(directory, 'no', 'such'), [bytes])).rejects.toMatchObject({
      code: 'E_WEIGHTS_IO'
    })
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(directory)).toEqual(before)
  })
})

it('stageFile: removes temporary files of processes that ended, and no other file', async () => {
  const folder = await mkdtemp(join(directory, 'left-'))
  const { pid: ended } = spawnSync(process.execPath, ['--version'])
  const id = '01234567-89ab-4def-8123-456789abcdef'
  const kept = [`m.pth.${process.pid}.${id}.tmp`, `m.pth.${ended}.tmp`, 'mine.tmp']
  for (const name of [`m.pth.${ended}.${id}.tmp`, ...kept]) await writeFile(join(folder, name), 'x')
  const staged = await node.stageFile(join(folder, 'new'), [bytes])
  expect((await readdir(folder)).filter(name => !name.startsWith('new')).sort()).toEqual(kept.sort())
  await staged.discard()
  expect((await readdir(folder)).sort()).toEqual(kept.sort())
})

it('browser and Node have the same names', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
})
