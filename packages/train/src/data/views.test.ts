import { describe, expect, it } from 'vitest'
import type { Dataset, Sample } from './dataset.js'
import { laid, views } from './views.js'

// 2 wide, 3 high:  a b / c d / e f
const data = Uint8Array.from([...'abcdef'].flatMap(c => [c.charCodeAt(0), 0, 0]))
const sample: Sample = {
  name: 'letters',
  image: { width: 2, height: 3, data },
  truths: [{ mask: Uint8Array.from([1, 0, 0, 0, 0, 0]), level: 'whole', caption: 'an a' }]
}
const letters = ({ image }: Sample): string =>
  [...image.data]
    .filter((_, i) => i % 3 === 0)
    .map(v => String.fromCharCode(v))
    .join('')

describe('a sample laid in a square', () => {
  it('is as it was, mirrored, and turned, image and masks alike', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(way => letters(laid(sample, way)))).toEqual([
      'abcdef',
      'badcfe',
      'efcdab',
      'fedcba',
      'acebdf',
      'bdface',
      'ecafdb',
      'fdbeca'
    ])
    expect(laid(sample, 4).image).toMatchObject({ width: 3, height: 2 })
    for (let way = 0; way < 8; way++) {
      const {
        truths: [{ mask, caption }]
      } = laid(sample, way)
      expect(mask.indexOf(1)).toBe(letters(laid(sample, way)).indexOf('a'))
      expect(caption).toBe('an a')
    }
  })
})

describe('views', () => {
  let reads = 0
  const numbered: Dataset = { size: Infinity, read: async index => (reads++, { ...sample, name: `${index}` }) }

  it('show each sample in all eight ways, and make it once', async () => {
    reads = 0
    const eight = views(numbered, { among: 4, seed: 1 })
    const names = []
    for (let i = 0; i < 64; i++) names.push((await eight.read(i)).name)
    expect(reads).toBe(8)
    expect(new Set(names).size).toBe(64)
    expect(names.slice(0, 32).every(name => Number.parseInt(name) < 4)).toBe(true)
  })
  it('are as many as one asks for, all ways alike', async () => {
    reads = 0
    const two = views(numbered, { among: 4, seed: 1, each: 2 })
    const names = await Promise.all(Array.from({ length: 64 }, async (_, i) => (await two.read(i)).name))
    expect(reads).toBe(32)
    expect(new Set(names).size).toBe(64)
    expect(new Set(names.map(name => name.slice(-1)))).toEqual(new Set('01234567'))
  })
  it('read a sample again after a read that failed', async () => {
    let broken = true
    const flaky: Dataset = {
      size: Infinity,
      read: async index => {
        if (broken) throw new Error('busy')
        return numbered.read(index)
      }
    }
    const eight = views(flaky, { among: 1, seed: 1 })
    await expect(eight.read(0)).rejects.toThrow('busy')
    broken = false
    expect((await eight.read(1)).name).toMatch(/^0, view/)
  })
  it('are the same from wherever one begins', async () => {
    const [all, late] = [views(numbered, { among: 4, seed: 1 }), views(numbered, { among: 4, seed: 1 })]
    for (let i = 0; i < 50; i++) await all.read(i)
    expect((await late.read(50)).name).toBe((await all.read(50)).name)
    const other = views(numbered, { among: 4, seed: 2 })
    const order = async (d: Dataset): Promise<string[]> =>
      Promise.all(Array.from({ length: 32 }, async (_, i) => (await d.read(i)).name))
    expect(await order(other)).not.toEqual(await order(late))
  })
})
