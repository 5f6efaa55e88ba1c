import type { Bitmap } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { addNegativePrompts } from './negative-prompts.js'

const plane = (value: number): Bitmap => ({ width: 2, height: 1, data: Uint8Array.of(value, 1) })
const at = (angle: number): Float32Array => Float32Array.of(Math.cos(angle), Math.sin(angle))
// Two images of two objects each: east and north; west, and north again.
const prompts = { truths: [0, 1, 0, 1].map(plane), texts: [at(0), at(1.57), at(3.14), at(1.5)] }

describe('addNegativePrompts', () => {
  it("takes crops of other images that resemble none of the image's own, with empty masks", () => {
    const seen = new Set<Float32Array | undefined>()
    for (let i = 0; i < 50; i++) {
      const { truths, texts } = addNegativePrompts(createRng(i), prompts, { images: 2, share: 0.5 })
      texts.forEach((text, k) => {
        if (text === prompts.texts[k]) return expect(truths[k]).toBe(prompts.truths[k])
        seen.add(text)
        expect(text).toBe(k < 2 ? prompts.texts[2] : prompts.texts[0]) // never north, which both have
        expect([...truths[k].data]).toEqual([0, 0])
      })
    }
    expect(seen.size).toBe(2)
  })
  it('replaces text prompts alone, and none if there is no other image', () => {
    const clicks = { ...prompts, texts: [undefined, undefined, prompts.texts[2], undefined] }
    expect(addNegativePrompts(createRng(1), clicks, { images: 2, share: 1 })).toEqual(clicks)
    expect(addNegativePrompts(createRng(1), prompts, { images: 1, share: 1 })).toEqual(prompts)
    expect(addNegativePrompts(createRng(1), prompts, { images: 2, share: 0 })).toEqual(prompts)
  })
})
