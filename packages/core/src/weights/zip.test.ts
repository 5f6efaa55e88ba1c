import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from './crc32.js'
import { writeZip, type ZipInput } from './zip-write.js'
import { openZip, readEntry, type ZipArchive } from './zip.js'
import { memoryBytes, type ByteSource } from '#io'

const utf8 = new TextEncoder()
async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}
const input = ([name, data]: [string, Uint8Array | string]): ZipInput => ({
  name,
  bytes: () => (typeof data === 'string' ? utf8.encode(data) : data)
})
const zip = (files: Record<string, Uint8Array | string>, narrowLimit?: number): Promise<Uint8Array> =>
  collect(writeZip(Object.entries(files).map(input), narrowLimit))
const open = (bytes: Uint8Array): Promise<ZipArchive> => openZip(memoryBytes(bytes, 'x.zip'))
const read = async (bytes: Uint8Array, name: string): Promise<Uint8Array> =>
  readEntry(memoryBytes(bytes, 'x.zip'), (await open(bytes)).get(name)!, { limit: 1e6 })

/** The archive with bytes at `at` (from the end when negative) replaced. */
function patched(bytes: Uint8Array, at: number, values: readonly number[]): Uint8Array {
  const out = bytes.slice()
  out.set(values, at < 0 ? out.length + at : at)
  return out
}
/** Where the central header of the n-th entry begins. */
const central = (bytes: Uint8Array, n = 0): number => {
  let at = -1
  for (let i = 0; i <= n; i++) at = Buffer.from(bytes).indexOf('PK\x01\x02', at + 1, 'latin1')
  return at
}

describe('crc32', () => {
  it('gives the check value of its specification', () => {
    expect(crc32(utf8.encode('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
  })
})

describe('zip', () => {
  it('reads what torch.save wrote', async () => {
    const bytes = readFileSync(new URL('../../../../fixtures/tiny-checkpoint.pth', import.meta.url))
    const archive = await open(bytes)
    expect(archive.size).toBe(204)
    expect(new TextDecoder().decode(await read(bytes, 'tiny-checkpoint/version'))).toBe('3\n')
  })

  it('round trips and aligns data to 64 bytes', async () => {
    const name = fc
      .string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(...'abc/.é日 ') })
      .filter(n => !/^\/|(^|\/)\.\.(\/|$)/.test(n))
    const anyFiles = fc.dictionary(name, fc.uint8Array({ maxLength: 200 }))
    await fc.assert(
      fc.asyncProperty(anyFiles, fc.constantFrom(0, 100, undefined), async (files, narrowLimit) => {
        const bytes = await zip(files, narrowLimit)
        const archive = await open(bytes)
        expect([...archive.keys()]).toEqual(Object.keys(files))
        for (const [key, entry] of archive) {
          expect((await entry.dataOffset()) % 64).toBe(0)
          expect(await read(bytes, key)).toEqual(Uint8Array.from(files[key]))
        }
      })
    )
  })

  it('reads entries past 4 GiB', async () => {
    // Two small entries with five billion bytes of nothing between them, as a source that computes its bytes.
    const small = await zip({ a: 'first', b: 'second' }, 50)
    const archive = await open(small)
    const cut = (await archive.get('a')!.dataOffset()) + 5
    const gap = 5_000_000_000
    const moved = small.slice()
    const view = new DataView(moved.buffer)
    const addAt = (at: number): void => view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(gap), true)
    const second = central(small, 1)
    addAt(second + 46 + 1 + 4) // zip64 field of 'b': its local header
    addAt(small.length - 22 - 20 - 56 + 48) // zip64 end record: the directory
    addAt(small.length - 22 - 20 + 8) // locator: the zip64 end record
    const source: ByteSource = {
      name: 'huge.zip',
      size: small.length + gap,
      close: async () => {},
      read: async (offset, length) =>
        Uint8Array.from({ length }, (_, i) => {
          const at = offset + i
          return at < cut ? moved[at] : at < cut + gap ? 0 : moved[at - gap]
        })
    }
    const huge = await openZip(source)
    expect(await huge.get('b')!.dataOffset()).toBe((await archive.get('b')!.dataOffset()) + gap)
    expect(new TextDecoder().decode(await readEntry(source, huge.get('b')!, { limit: 10 }))).toBe('second')
  })

  const refusals: [string, (bytes: Uint8Array) => Uint8Array, RegExp][] = [
    ['nothing', () => new Uint8Array(0), /truncated/],
    ['the end record cut off', b => b.subarray(0, -1), /truncated/],
    ['bytes after the end', b => Uint8Array.from([...b, 0]), /truncated/],
    ['a compressed entry', b => patched(b, central(b) + 10, [8, 0]), /'a' is compressed/],
    ['an encrypted entry', b => patched(b, central(b) + 8, [1, 8]), /'a' is encrypted/],
    [
      'another size than the local header has',
      b => patched(patched(b, central(b) + 24, [2]), central(b) + 20, [2]),
      /described differently/
    ],
    ['two sizes', b => patched(b, central(b) + 24, [2]), /two sizes/],
    ['a size of 4 GB', b => patched(b, central(b) + 20, [254, 255, 255, 255, 254, 255, 255, 255]), /overlaps/],
    ['a zip64 size that is not there', b => patched(b, central(b) + 20, Array(8).fill(255)), /zip64 field/],
    ['the first entry twice', b => patched(b, central(b, 1) + 42, [0, 0, 0, 0]), /overlaps/],
    ['one name twice', b => patched(b, central(b, 1) + 46, [0x61]), /'a' is there twice/],
    ['another name than the local header has', b => patched(b, central(b) + 46, [0x63]), /described differently/],
    ['a name that is not UTF-8', b => patched(b, central(b) + 46, [0xff]), /UTF-8/],
    ['an absolute name', b => patched(b, central(b) + 46, [0x2f]), /outside/],
    ['a local header that is not one', b => patched(b, 0, [1]), /no local header/],
    ['a damaged directory', b => patched(b, central(b), [1]), /wrong signature/],
    [
      'a count that is too high',
      b => patched(patched(b, -12, [9, 0]), -22 - 20 - 56 + 24, [9, 0, 0, 0, 0, 0, 0, 0, 9]),
      /too short/
    ],
    [
      'a count that is too low',
      b => patched(patched(b, -14, [1, 0, 1, 0]), -22 - 20 - 56 + 24, [1, 0, 0, 0, 0, 0, 0, 0, 1]),
      /belong to no entry/
    ],
    ['end records that differ', b => patched(b, -12, [9, 0]), /differ/],
    [
      'a directory elsewhere',
      b => patched(patched(b, -6, [255, 255, 255, 255]), -22 - 20 - 56 + 48, [1, 0, 0, 0, 0, 0, 0, 64]),
      /file reaches/
    ],
    ['several disks', b => patched(b, -22 - 20 - 56 + 16, [1]), /several disks/]
  ]
  it.each(refusals)('refuses %s', async (_, change, message) => {
    const bytes = change(await zip({ a: 'one', b: 'two' }))
    const attempt = async (): Promise<unknown> =>
      Promise.all([...(await open(bytes)).values()].map(entry => entry.dataOffset()))
    await expect(attempt()).rejects.toMatchObject({
      code: 'E_WEIGHTS_FORMAT',
      message: expect.stringMatching(message) as unknown
    })
  })

  it.each(['../a', 'a/../../b', 'a\\b', 'C:x', 'a\0'])('refuses the name %j', async name => {
    await expect(open(await zip({ [name]: 'x' }))).rejects.toMatchObject({ code: 'E_WEIGHTS_FORMAT' })
  })

  it('refuses damaged and too large entries', async () => {
    const bytes = await zip({ a: 'one' })
    const offset = await (await open(bytes)).get('a')!.dataOffset()
    await expect(read(patched(bytes, offset, [0]), 'a')).rejects.toThrow('checksum')
    await expect(readEntry(memoryBytes(bytes), (await open(bytes)).get('a')!, { limit: 2 })).rejects.toThrow(
      'at most 2 bytes'
    )
  })
})
