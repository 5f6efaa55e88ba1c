import type { Bitmap } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { perturbMask } from './perturb-mask.js'

const side = 64
const disc = (cx: number, cy: number, r: number): Bitmap => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side }, (_, i) =>
    Math.hypot((i % side) - cx, Math.floor(i / side) - cy) < r ? 1 : 0
  )
})
const [truth, neighbour] = [disc(28, 30, 14), disc(46, 30, 10)]
const count = (a: Bitmap, test: (i: number) => boolean): number =>
  a.data.reduce((n, v, i) => n + (v && test(i) ? 1 : 0), 0)
const iou = (a: Bitmap, b: Bitmap): number =>
  count(a, i => b.data[i] === 1) / (count(a, () => true) + count(b, i => !a.data[i]))
const many = Array.from({ length: 300 }, (_, i) => perturbMask(createRng(4, i), truth, [neighbour]))

describe('perturbMask', () => {
  it('keeps an IoU of at least 0.5, and seldom 1', () => {
    for (const mask of many) {
      expect(iou(mask, truth)).toBeGreaterThanOrEqual(0.5)
      expect(mask.data.every(v => v === 0 || v === 1)).toBe(true)
    }
    const all = many.map(mask => iou(mask, truth))
    expect(all.filter(v => v === 1).length).toBeLessThan(60)
    expect(Math.min(...all)).toBeLessThan(0.65)
  })
  it('sometimes removes a piece or adds one of a neighbour', () => {
    expect(many.some(mask => count(truth, i => !mask.data[i]) > 0.25 * count(truth, () => true))).toBe(true)
    expect(
      many.some(
        mask =>
          count(mask, i => neighbour.data[i] === 1 && !truth.data[i]) > 0.4 * count(neighbour, i => !truth.data[i])
      )
    ).toBe(true)
  })
  it('is a function of the generator, and returns an empty mask unchanged', () => {
    expect(perturbMask(createRng(4, 7), truth, [neighbour])).toEqual(many[7])
    expect(truth).toEqual(disc(28, 30, 14))
    const empty = disc(0, 0, 0)
    expect(count(perturbMask(createRng(1), empty), () => true)).toBe(0)
  })
})
