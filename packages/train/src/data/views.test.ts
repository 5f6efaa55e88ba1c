import { describe, expect, it } from 'vitest'
import type { Dataset, Sample } from './dataset.js'
import { transformed, views } from './views.js'

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

describe('transformed', () => {
  it('mirrors and rotates image and masks alike', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(orientation => letters(transformed(sample, orientation)))).toEqual([
      'abcdef',
      'badcfe',
      'efcdab',
      'fedcba',
      'acebdf',
      'bdface',
      'ecafdb',
      'fdbeca'
    ])
    expect(transformed(sample, 4).image).toMatchObject({ width: 3, height: 2 })
    for (let orientation = 0; orientation < 8; orientation++) {
      const {
        truths: [{ mask, caption }]
      } = transformed(sample, orientation)
      expect(mask.indexOf(1)).toBe(letters(transformed(sample, orientation)).indexOf('a'))
      expect(caption).toBe('an a')
    }
  })
})

describe('views', () => {
  let reads = 0
  const numbered: Dataset = { size: Infinity, read: async index => (reads++, { ...sample, name: `${index}` }) }

  it('gives all eight views of each sample and reads it once', async () => {
    reads = 0
    const eight = views(numbered, { among: 4, seed: 1 })
    const names = []
    for (let i = 0; i < 64; i++) names.push((await eight.read(i)).name)
    expect(reads).toBe(8)
    expect(new Set(names).size).toBe(64)
    expect(names.slice(0, 32).every(name => Number.parseInt(name) < 4)).toBe(true)
  })
  it('gives the requested number of views per sample, all transformations equally often', async () => {
    reads = 0
    const two = views(numbered, { among: 4, seed: 1, each: 2 })
    const names = await Promise.all(Array.from({ length: 64 }, async (_, i) => (await two.read(i)).name))
    expect(reads).toBe(32)
    expect(new Set(names).size).toBe(64)
    expect(new Set(names.map(name => name.slice(-1)))).toEqual(new Set('01234567'))
  })
  it('reads a sample again after a failed read', async () => {
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
  it('is a function of seed and index', async () => {
    const [all, late] = [views(numbered, { among: 4, seed: 1 }), views(numbered, { among: 4, seed: 1 })]
    for (let i = 0; i < 50; i++) await all.read(i)
    expect((await late.read(50)).name).toBe((await all.read(50)).name)
    const other = views(numbered, { among: 4, seed: 2 })
    const order = async (d: Dataset): Promise<string[]> =>
      Promise.all(Array.from({ length: 32 }, async (_, i) => (await d.read(i)).name))
    expect(await order(other)).not.toEqual(await order(late))
  })
})
