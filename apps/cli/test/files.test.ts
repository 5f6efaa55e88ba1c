import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readInput, writeResults } from '../src/files.js'
import { readAll } from '../src/terminal.js'
import { workFolder } from './sam.js'

const { signal } = new AbortController()
const text = (value: string): Uint8Array[] => [new TextEncoder().encode(value)]

describe('writeResults', async () => {
  const base = await workFolder()
  let serial = 0
  const newFolder = (): string => join(base, `results-${serial++}`)
  const write = (folder: string, files: Record<string, string>, stop = signal): Promise<void> =>
    writeResults(
      folder,
      async add => {
        for (const [name, content] of Object.entries(files)) await add(join(folder, name), text(content))
      },
      stop
    )
  const visible = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { recursive: true })).filter(name => name !== '.sam-results.json').sort()

  it('removes the results of the run before, and no other file', async () => {
    const folder = newFolder()
    await write(folder, { 'mask-1.png': 'a', 'mask-2.png': 'b', 'mask-3.png': 'c', 'onnx/model': 'd' })
    await writeFile(join(folder, 'mask-3.png'), 'edited')
    await writeFile(join(folder, 'mask-9.png'), 'b')
    await write(folder, { 'mask-1.png': 'e' })
    expect(await visible(folder)).toEqual(['mask-1.png', 'mask-3.png', 'mask-9.png', 'onnx'])
    expect(await readFile(join(folder, 'mask-1.png'), 'utf8')).toBe('e')
  })

  it('leaves the earlier results, and no folder of its own, after a failure', async () => {
    const [folder, other] = [newFolder(), newFolder()]
    await write(folder, { 'mask-1.png': 'a', 'mask-2.png': 'b' })
    const before = await readdir(folder)
    const broken = async function* () {
      yield* text('c')
      throw new Error('broken')
    }
    for (const each of [folder, join(other, 'deep')])
      await expect(
        writeResults(
          each,
          async add => {
            await add(join(each, 'mask-1.png'), text('c'))
            await add(join(each, 'mask-2.png'), broken())
          },
          signal
        )
      ).rejects.toThrow('broken')
    expect(await readdir(folder)).toEqual(before)
    expect(await readFile(join(folder, 'mask-1.png'), 'utf8')).toBe('a')
    expect(await readdir(base)).not.toContain(other.slice(base.length + 1))
  })

  it('replaces nothing where one file cannot be replaced', async () => {
    const folder = newFolder()
    await mkdir(join(folder, 'overlay.png'), { recursive: true })
    await expect(write(folder, { 'mask-1.png': 'a', 'overlay.png': 'b' })).rejects.toMatchObject({
      code: 'E_OUTPUT',
      message: expect.stringContaining('there is a folder of that name') as string
    })
    expect(await visible(folder)).toEqual(['overlay.png'])
  })

  it('writes nothing after an abort', async () => {
    const folder = newFolder()
    const reason = new Error('stopped')
    await expect(write(folder, { 'mask-1.png': 'a' }, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(await readdir(base)).not.toContain(folder.slice(base.length + 1))
  })

  it('trusts no list of results: neither names outside the folder nor links', async () => {
    const [folder, victim] = [newFolder(), join(base, 'victim')]
    await write(folder, { a: 'same' })
    await writeFile(victim, 'same')
    await symlink(victim, join(folder, 'link'))
    const list = join(folder, '.sam-results.json')
    const hash = (JSON.parse(await readFile(list, 'utf8')) as { files: { a: string } }).files.a
    await writeFile(list, JSON.stringify({ files: { '../victim': hash, [victim]: hash, link: hash, '.': hash, x: 1 } }))
    await write(folder, { b: 'new' })
    expect(await readFile(victim, 'utf8')).toBe('same')
    expect(await visible(folder)).toEqual(['a', 'b', 'link'])
    await writeFile(list, 'no list')
    await write(folder, { c: 'new' })
    expect(await visible(folder)).toEqual(['a', 'b', 'c', 'link'])
  })
})

describe('readInput', async () => {
  const folder = await workFolder()
  it('refuses files above the limit, folders and missing files', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '12345')
    expect(await readInput(path, { limit: 5 })).toHaveLength(5)
    for (const [file, message] of [
      [path, 'at most 4 bytes, found 5'],
      [folder, 'found a folder'],
      [join(folder, 'none'), 'no such file']
    ] as const)
      await expect(readInput(file, { limit: 4 })).rejects.toMatchObject({
        code: 'E_INPUT',
        message: expect.stringContaining(message) as string
      })
  })
})

describe('readAll, of standard input', () => {
  const chunks = async function* () {
    for (let i = 0; i < 3; i++) yield new Uint8Array([i, i])
  }
  it('reads at most the limit', async () => {
    expect([...(await readAll(chunks(), signal, 6))]).toEqual([0, 0, 1, 1, 2, 2])
    await expect(readAll(chunks(), signal, 5)).rejects.toMatchObject({ code: 'E_INPUT' })
  })

  it('rejects with the reason of the abort', async () => {
    const reason = new Error('stopped')
    const stopped = async function* () {
      yield new Uint8Array(1)
      throw new Error('destroyed')
    }
    await expect(readAll(stopped(), AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(readAll(stopped(), signal)).rejects.toMatchObject({ code: 'E_INPUT' })
  })
})
