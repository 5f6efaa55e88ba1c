import { describe, expect, it } from 'vitest'
import { f32 } from '@sam/core/graph'
import { embedCrops } from './embed-crops.js'
import { checkFirstPrompt, type FirstPrompt } from './first-prompt.js'

const batchSizes: number[] = []
const clip: Pick<FirstPrompt, 'width' | 'embed'> = {
  width: 2,
  async embed({ pixel_values: { data, shape }, mask_patches: patches }) {
    batchSizes.push(shape[0])
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

describe('embedCrops', () => {
  it('embeds all crops of a batch in one call, in the order of the objects', async () => {
    const batch = [
      { firstPrompts: [undefined, click, undefined], crops: crops(1, 2) },
      { firstPrompts: [click, click, click] },
      { firstPrompts: [click, undefined, click], crops: crops(3) }
    ]
    const texts = await embedCrops(batch, clip)
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
    expect(batchSizes).toEqual([3])
    expect(await embedCrops([{ firstPrompts: [click] }], clip)).toEqual([undefined])
    expect(await embedCrops([{ firstPrompts: [click] }], undefined)).toEqual([undefined])
  })
  it("need a CLIP of the recipe's width", () => {
    const text = { width: 2, share: 1 }
    expect(() => checkFirstPrompt({ name: 'x', text }, clip)).not.toThrow()
    expect(() => checkFirstPrompt({ name: 'x' }, undefined)).not.toThrow()
    expect(() => checkFirstPrompt({ name: 'x', text }, undefined)).toThrow('found none')
    expect(() => checkFirstPrompt({ name: 'x', text: { width: 3, share: 1 } }, clip)).toThrow('found one of 2')
  })
})
