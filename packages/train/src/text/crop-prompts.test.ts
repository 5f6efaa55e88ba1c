import { describe, expect, it } from 'vitest'
import { f32 } from '@sam/core/graph'
import { random } from '../random.js'
import { checkTeacher, cropPrompts, strayed, type CropTeacher } from './crop-prompts.js'

const asked: number[] = []
const clip: CropTeacher = {
  width: 2,
  config: { vision: { width: 1, depth: 1, heads: 1, mlpWidth: 1, imageSize: 1, patchSize: 1 } },
  async embedCropFeeds({ pixel_values: { data, shape }, mask_patches: patches }) {
    asked.push(shape[0])
    return Array.from({ length: shape[0] }, (_, i) => Float32Array.of(data[i], patches.data[i]))
  }
}
const click = { points: [{ x: 1, y: 2, label: 1 }], mask: undefined }
const crops = (...values: number[]) => ({ pixel_values: f32([values.length, 1], Float32Array.from(values)), mask_patches: f32([values.length, 1], Float32Array.from(values, v => -v)) })

describe('prompts from crops', () => {
  it('are the embeddings of all crops of a batch, asked for at once, each in its object\'s place', async () => {
    const batch = [{ first: [undefined, click, undefined], crops: crops(1, 2) }, { first: [click, click, click] }, { first: [click, undefined, click], crops: crops(3) }]
    const texts = await cropPrompts(batch, clip)
    expect(texts.map(t => t && [...t])).toEqual([[1, -1], undefined, [2, -2], undefined, undefined, undefined, undefined, [3, -3], undefined])
    expect(asked).toEqual([3])
    expect(await cropPrompts([{ first: [click] }], clip)).toEqual([undefined])
  })
  it('stray by up to a part of what like things differ by, either way, and stay as long', () => {
    const [embedding, strays] = [Float32Array.of(1, 0, 0), [Float32Array.of(0, 1, 0), Float32Array.of(0, 0, 0.1)]]
    const after = Array.from({ length: 400 }, (_, i) => strayed(random(i), embedding, { most: 2, strays }))
    for (const moved of after) expect(Math.hypot(...moved)).toBeCloseTo(1, 5)
    const tangents = [1, 2].map(k => after.map(moved => moved[k] / moved[0]))
    expect(Math.max(...tangents[0])).toBeGreaterThan(1.9)
    expect(Math.min(...tangents[0])).toBeLessThan(-1.9)
    expect(Math.max(...tangents[0].map(Math.abs))).toBeLessThanOrEqual(2.00001)
    expect(Math.max(...tangents[1].map(Math.abs))).toBeLessThanOrEqual(0.20001)
    expect(tangents[0].filter(t => t !== 0).length / 400).toBeCloseTo(0.5, 1)
    expect(strayed(random(1), embedding, { most: 0, strays })).toBe(embedding)
    expect(strayed(random(1), embedding, { most: 1, strays: [] })).toBe(embedding)
  })
  it('need a CLIP of the recipe\'s width', () => {
    const text = { width: 2, share: 1 }
    expect(() => checkTeacher({ name: 'x', text }, clip)).not.toThrow()
    expect(() => checkTeacher({ name: 'x' }, undefined)).not.toThrow()
    expect(() => checkTeacher({ name: 'x', text }, undefined)).toThrow('found none')
    expect(() => checkTeacher({ name: 'x', text: { width: 3, share: 1 } }, clip)).toThrow('found one of 2')
  })
})
