import { describe, expect, it } from 'vitest'
import { scenes } from '../data/scenes/scene.js'
import { example } from '../example.js'
import { random } from '../random.js'
import { testRun } from '../recipes.js'
import { checkTeacher, cropPrompts, moved, type CropTeacher } from './crop-prompts.js'

const asked: { size: string; grow: readonly number[]; areas: readonly number[] }[] = []
const clip: CropTeacher = {
  width: 2,
  async embedCrops(photo, masks, { rules = [] } = {}) {
    const areas = masks.map(({ data }) => data.reduce((a, b) => a + b, 0))
    asked.push({ size: `${photo.width} ${photo.height} ${masks[0].width}`, grow: rules.map(r => r.grow), areas })
    return areas.map(area => Float32Array.of(area, 1))
  }
}

describe('prompts from crops', async () => {
  const data = scenes({ size: 64, seed: 1, minArea: 60 })
  const examples = await Promise.all([2, 3].map(async i => example(await data.read(i), testRun.config)))
  const targets = examples.flatMap(({ targets: [a, b = a] }) => [a, b, a])
  const area = (k: number): number => targets[k].truth.mask.reduce((a, b) => a + b, 0)

  it('are each object\'s own, of the photo that it is in, by the paper\'s rule', async () => {
    asked.length = 0
    const texts = await cropPrompts(random(1), { examples, targets }, { clip, share: 1 })
    expect(texts.map(t => t?.[0])).toEqual(targets.map((_, k) => area(k)))
    expect(asked.map(a => a.size)).toEqual(examples.map(({ photo: { width, height } }) => `${width} ${height} ${width}`))
    for (const grow of asked.flatMap(a => a.grow)) expect(grow >= 1 && grow < 2).toBe(true)
  })
  it('are some of the first prompts where these are mixed, and the same ones each time', async () => {
    const many = await Promise.all(Array.from({ length: 100 }, (_, i) => cropPrompts(random(i), { examples, targets }, { clip, share: 0.5 })))
    const share = many.flat().filter(Boolean).length / (100 * targets.length)
    expect(share).toBeGreaterThan(0.4)
    expect(share).toBeLessThan(0.6)
    for (const texts of many) for (const [k, t] of texts.entries()) if (t) expect(t[0]).toBe(area(k))
    expect(await cropPrompts(random(7), { examples, targets }, { clip, share: 0.5 })).toEqual(many[7])
  })
  it('are without some of what lies on their objects, where the recipe says so', async () => {
    const some = await Promise.all(Array.from({ length: 20 }, (_, i) => cropPrompts(random(i), { examples, targets }, { clip, share: 1, bare: 0.5 })))
    for (const texts of some) for (const [k, t] of texts.entries()) expect(t![0]).toBeLessThanOrEqual(area(k))
    const lessened = targets.filter((_, k) => some.some(texts => texts[k]![0] < area(k)))
    expect(lessened.length).toBeGreaterThan(0)
    for (const { truth } of lessened) expect(examples.some(e => e.targets.some(t => t.truth.parent !== undefined) && e.targets.some(t => t.truth === truth))).toBe(true)
  })
  it('are moved by up to a part of their length, in directions of the others, and stay as long', () => {
    const axes = Array.from({ length: 16 }, (_, k) => Float32Array.from({ length: 64 }, (_v, i) => i === k ? 1 : 0))
    const cosines = Array.from({ length: 200 }, (_, i) => {
      const after = moved(random(i), axes[3], { most: 1, among: axes })
      expect(Math.hypot(...after)).toBeCloseTo(1, 5)
      expect(Math.hypot(...after.slice(16))).toBe(0)
      return after[3]
    })
    // By a whole length at right angles, in 16 dimensions most of it, turns by 45°; one that is nearly opposite turns further.
    expect(Math.min(...cosines)).toBeGreaterThan(0.3)
    expect(Math.min(...cosines)).toBeLessThan(0.75)
    expect(Math.max(...cosines)).toBeGreaterThan(0.999)
    expect(moved(random(1), axes[3], { most: 0, among: axes })).toBe(axes[3])
  })
  it('need a CLIP of the recipe\'s width', () => {
    const text = { width: 2, share: 1 }
    expect(() => checkTeacher({ name: 'x', text }, clip)).not.toThrow()
    expect(() => checkTeacher({ name: 'x' }, undefined)).not.toThrow()
    expect(() => checkTeacher({ name: 'x', text }, undefined)).toThrow('found none')
    expect(() => checkTeacher({ name: 'x', text: { width: 3, share: 1 } }, clip)).toThrow('found one of 2')
  })
})
