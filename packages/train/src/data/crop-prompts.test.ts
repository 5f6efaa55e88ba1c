import { describe, expect, it } from 'vitest'
import { f32 } from '@sam/core/graph'
import { random } from '../random.js'
import { checkTeacher, cropPrompts, moved, type CropTeacher } from './crop-prompts.js'

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
const crops = (...values: number[]) => ({
  pixel_values: f32([values.length, 1], Float32Array.from(values)),
  mask_patches: f32(
    [values.length, 1],
    Float32Array.from(values, v => -v)
  )
})

describe('prompts from crops', () => {
  it("are the embeddings of all crops of a batch, asked for at once, each in its object's place", async () => {
    const batch = [
      { first: [undefined, click, undefined], crops: crops(1, 2) },
      { first: [click, click, click] },
      { first: [click, undefined, click], crops: crops(3) }
    ]
    const texts = await cropPrompts(batch, clip)
    expect(texts.map(t => t && [...t])).toEqual([
      [1, -1],
      undefined,
      [2, -2],
      undefined,
      undefined,
      undefined,
      undefined,
      [3, -3],
      undefined
    ])
    expect(asked).toEqual([3])
    expect(await cropPrompts([{ first: [click] }], clip)).toEqual([undefined])
    expect(await cropPrompts([{ first: [click] }], undefined)).toEqual([undefined])
  })
  it('are moved by up to a part of their length, in directions of the others, and stay as long', () => {
    const axes = Array.from({ length: 16 }, (_, k) => Float32Array.from({ length: 64 }, (_v, i) => (i === k ? 1 : 0)))
    const cosines = Array.from({ length: 200 }, (_, i) => {
      const after = moved(random(i), axes, 1)[3]!
      expect(Math.hypot(...after)).toBeCloseTo(1, 5)
      expect(Math.hypot(...after.slice(16))).toBe(0)
      return after[3]
    })
    // By a whole length at right angles, in 16 dimensions most of it, turns by 45°; one that is nearly opposite turns
    // further.
    expect(Math.min(...cosines)).toBeGreaterThan(0.3)
    expect(Math.min(...cosines)).toBeLessThan(0.75)
    expect(Math.max(...cosines)).toBeGreaterThan(0.999)
    expect(moved(random(1), axes, 0)[3]).toBe(axes[3])
    expect(moved(random(1), [undefined, axes[0]], 1)[0]).toBeUndefined()
  })
  it("need a CLIP of the recipe's width", () => {
    const text = { width: 2, share: 1 }
    expect(() => checkTeacher({ name: 'x', text }, clip)).not.toThrow()
    expect(() => checkTeacher({ name: 'x' }, undefined)).not.toThrow()
    expect(() => checkTeacher({ name: 'x', text }, undefined)).toThrow('found none')
    expect(() => checkTeacher({ name: 'x', text: { width: 3, share: 1 } }, clip)).toThrow('found one of 2')
  })
})
