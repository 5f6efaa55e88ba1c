import type { Bitmap } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { scenes } from '@sam/scenes'
import { eraseParts } from './erase-parts.js'

const side = 64
const disc = (cx: number, cy: number, r: number): Bitmap => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side }, (_, i) =>
    Math.hypot((i % side) - cx, Math.floor(i / side) - cy) < r ? 1 : 0
  )
})
const without = (a: Bitmap, ...others: Bitmap[]): Bitmap => ({
  ...a,
  data: a.data.map((v, i) => (v && others.every(o => !o.data[i]) ? 1 : 0))
})

const object = disc(30, 30, 20)
const [spot, other] = [disc(24, 30, 6), disc(38, 30, 6)]

describe('eraseParts', () => {
  it('erases each mask inside the object with the given probability', () => {
    const found = Array.from({ length: 200 }, (_, i) =>
      eraseParts(createRng(5, i), object, { others: [spot, other], probability: 0.5 })
    )
    const ways = [object, without(object, spot), without(object, other), without(object, spot, other)]
    const counts = ways.map(way => found.filter(({ data }) => data.every((v, i) => v === way.data[i])).length)
    for (const n of counts) expect(n).toBeGreaterThan(30)
    expect(counts.reduce((a, b) => a + b, 0)).toBe(200)
    expect(eraseParts(createRng(5, 3), object, { others: [spot, other], probability: 0.5 })).toEqual(found[3])
    expect(object).toEqual(disc(30, 30, 20))
  })
  it('ignores the object itself, masks beyond it or around it, and large ones', () => {
    for (const others of [[object], [disc(48, 30, 8)], [disc(30, 30, 30)], [disc(30, 30, 15)]])
      expect(eraseParts(createRng(1), object, { others, probability: 1 })).toBe(object)
  })
  it('keeps limbs and rims', () => {
    const limb = disc(52, 30, 6)
    const limbed = { ...object, data: object.data.map((v, i) => v || limb.data[i]) }
    expect(eraseParts(createRng(1), limbed, { others: [limb], probability: 1 })).toBe(limbed)
    expect(eraseParts(createRng(1), object, { others: [without(object, disc(30, 30, 17))], probability: 1 })).toBe(
      object
    )
  })
  it('keeps at least a third of the object', () => {
    const many = [0, 60, 120, 180, 240, 300].map(turn =>
      disc(30 + 13 * Math.cos((turn * Math.PI) / 180), 30 + 13 * Math.sin((turn * Math.PI) / 180), 6)
    )
    const left = eraseParts(createRng(1), object, { others: [disc(30, 30, 11), ...many], probability: 1 }).data.reduce(
      (a, b) => a + b,
      0
    )
    const all = object.data.reduce((a, b) => a + b, 0)
    expect(left).toBeLessThan(all / 2)
    expect(left).toBeGreaterThanOrEqual(all / 3)
  })
})

describe('eraseParts on a generated scene', async () => {
  const { image, truths } = await scenes({ size: 64, seed: 1, minArea: 60 }).read(3)
  const masks = truths.map(({ mask }): Bitmap => ({ width: image.width, height: image.height, data: mask }))
  const area = (mask: ArrayLike<number>): number => Array.from(mask).reduce((a, b) => a + b, 0)

  it('erases some of what lies on an object', () => {
    const least = masks.map(mask =>
      Math.min(
        ...Array.from({ length: 20 }, (_, i) =>
          area(eraseParts(createRng(i), mask, { others: masks, probability: 0.5 }).data)
        )
      )
    )
    const lessened = masks.filter(({ data }, k) => least[k] < area(data))
    expect(lessened.length).toBeGreaterThan(0)
    expect(truths.some(({ parent }) => parent !== undefined)).toBe(true)
    expect(masks.every(({ data }, k) => least[k] <= area(data))).toBe(true)
  })
})
