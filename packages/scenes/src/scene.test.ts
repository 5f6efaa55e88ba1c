import { describe, expect, it } from 'vitest'
import { scenes } from './scene.js'

describe('scenes', async () => {
  const samples = await Promise.all(Array.from({ length: 24 }, (_, i) => scenes({ size: 96, seed: 4 }).read(i)))
  const truths = samples.flatMap(s => s.truths)

  it('are a pure function of seed and index', async () => {
    expect(await scenes({ size: 96, seed: 4 }).read(3)).toEqual(samples[3])
    expect((await scenes({ size: 96, seed: 5 }).read(3)).image.data).not.toEqual(samples[3].image.data)
  })
  it('nest: every part lies inside its parent and is smaller', () => {
    for (const { truths } of samples) {
      for (const { mask, parent } of truths) {
        if (parent === undefined) continue
        const host = truths[parent].mask
        expect(mask.every((v, i) => !v || host[i])).toBe(true)
        expect(host.filter(Boolean).length).toBeGreaterThan(mask.filter(Boolean).length)
      }
    }
  })
  it('have no parts if simple', async () => {
    const simple = await Promise.all(
      Array.from({ length: 6 }, (_, i) => scenes({ size: 96, seed: 4, simple: 1 }).read(i))
    )
    const all = simple.flatMap(s => s.truths)
    expect(all.length).toBeGreaterThan(15)
    for (const { level, parent, about } of all)
      expect([level, parent, about?.limbs, about?.of]).toEqual(['whole', undefined, undefined, undefined])
  })
  it('are simple with the given probability, and otherwise unchanged', async () => {
    const [all, none, some] = [1, 0, 0.5].map(simple => scenes({ size: 48, seed: 4, simple }))
    const same = async (i: number, other: typeof all): Promise<boolean> =>
      Buffer.compare((await some.read(i)).image.data, (await other.read(i)).image.data) === 0
    const kinds = await Promise.all(Array.from({ length: 32 }, (_, i) => same(i, all)))
    for (const [i, isSimple] of kinds.entries()) expect(await same(i, none), String(i)).toBe(!isSimple)
    expect(kinds.filter(Boolean).length).toBeGreaterThan(6)
    expect(kinds.filter(Boolean).length).toBeLessThan(26)
  })
  it('have wholes, parts and subparts, with captions', () => {
    for (const level of ['whole', 'part', 'subpart'])
      expect(truths.filter(t => t.level === level).length, level).toBeGreaterThan(3)
    expect(truths.every(t => /^(an?|the) \w+/.test(t.caption))).toBe(true)
  })
  it("have masks of the image's size, never empty", () => {
    for (const { image, truths } of samples) {
      expect(Math.max(image.width, image.height)).toBe(96)
      for (const { mask } of truths) {
        expect(mask).toHaveLength(image.width * image.height)
        expect(mask.filter(Boolean).length).toBeGreaterThanOrEqual((96 * 96) / 256)
      }
    }
  })
})
