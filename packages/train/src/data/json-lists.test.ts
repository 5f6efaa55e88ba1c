import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readJson } from './json.js'
import { readEntries, readLists, type ByteRange } from './json-lists.js'
import { jsonLimit } from './limits.js'

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-json-'))
  file = join(folder, 'a.json')
})
afterAll(() => rm(folder, { recursive: true }))

async function lists(text: string | Uint8Array) {
  await writeFile(file, text)
  const [images, annotations, ranges]: [unknown[], unknown[], ByteRange[]] = [[], [], []]
  const version = await readLists(file, {
    images: { onEntry: entry => images.push(entry) },
    annotations: {
      optional: true,
      onEntry(entry, range) {
        annotations.push(entry)
        ranges.push(range)
      }
    }
  })
  return {
    images,
    annotations,
    again: await readEntries(
      file,
      version,
      ranges.filter((_, i) => i % 50 === 0)
    )
  }
}

describe('readLists', () => {
  it('gives what JSON.parse gives, and finds entries again', async () => {
    const value = {
      info: { text: '"images": [', nested: [[1, [2]], { images: [3] }] },
      images: [{ id: 1, name: 'a "]}, \\ 猫 \\" [' }, {}, { deep: [[{ a: [] }]] }],
      licenses: [{ id: 1 }, [1]],
      annotations: Array.from({ length: 12_000 }, (_, i) => ({
        id: i,
        text: `${'x'.repeat(i % 97)}\\`,
        list: [i, [i]]
      }))
    }
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 1), `\ufeff${JSON.stringify(value)}`]) {
      // Over a megabyte, so that entries lie across the parts in which the file is read.
      expect(text.length).toBeGreaterThan(2 ** 20)
      const { images, annotations, again } = await lists(text)
      expect(images).toEqual(value.images)
      expect(JSON.stringify(annotations)).toBe(JSON.stringify(value.annotations))
      expect(again).toEqual(value.annotations.filter((_, i) => i % 50 === 0))
    }
  })

  it('takes empty lists and lists that are not there', async () => {
    expect(await lists('{"images": [ \n ], "annotations":[]}')).toMatchObject({ images: [], annotations: [] })
    expect(await lists('{"images": [{"id": 1}]}')).toMatchObject({ images: [{ id: 1 }], annotations: [] })
  })

  it('reads NaN and Infinity as null, but not in strings', async () => {
    const { images } = await lists('{"images": [{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \\" NaN"}]}')
    expect(images).toEqual([{ a: null, b: [null, null], c: 'NaN " NaN' }])
  })

  it.each([
    ['{"images": [{"id": 1}', 'it ends inside a list'],
    ['{"images": [{"id": 1},]}', 'not valid JSON'],
    ['{"images": [,{"id": 1}]}', 'not valid JSON'],
    ['{"images": [{"id": 1] }}', 'not valid JSON'],
    ['{"images": [{"id": 1}} ', 'not valid JSON'],
    ['{"images": [{"id": 1} {"id": 2}]}', 'not valid JSON'],
    ['{"images": [] "annotations": []}', 'not valid JSON'],
    ['{"images": []} more', 'not valid JSON'],
    ['{"images": [7]}', "'images' must be a list of objects, found 7 at 0"],
    ['{"images": {"0": {}}}', "'images' must be a list"],
    ['[{"images": []}]', "'images' must be a list"],
    ['{"x": {"images": []}}', "'images' must be a list"],
    ['', 'not valid JSON'],
    [Uint8Array.of(0xff, 0xfe, 0x7b, 0), 'in UTF-8']
  ])('refuses %s', async (text, why) => {
    await expect(lists(text)).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining(why) as string
    })
  })

  it('holds one entry in memory, and refuses one over the limit', async () => {
    await expect(lists(Buffer.alloc(jsonLimit + 100, `{"images": [{"a": "`).fill('x', 30))).rejects.toThrow(
      `may have ${jsonLimit} bytes, found more`
    )
    await expect(readJson(file)).rejects.toThrow(`may have ${jsonLimit} bytes`)
  })

  it('takes time linear in what is outside the lists', async () => {
    const { images } = await lists(`{${'"a":[],'.repeat(100_000)}"images":[{}]}`)
    expect(images).toEqual([{}])
  })
})
