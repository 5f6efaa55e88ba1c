import type { SamError } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { cropObject, normalizeInto } from './crop.js'

/** 10 × 8, each pixel in a different colour; the object is the 2 × 4 block at (3, 2). */
const photo = { width: 10, height: 8, data: Uint8Array.from({ length: 240 }, (_, i) => 10 + Math.floor(i / 3)) }
const at = (i: number): boolean => i % 10 >= 3 && i % 10 < 5 && Math.floor(i / 10) >= 2 && Math.floor(i / 10) < 6
const mask = { width: 10, height: 8, data: Uint8Array.from({ length: 80 }, (_, i) => Number(at(i))) }
const grey = ({ data }: { data: Uint8Array }): number[] => Array.from(data.filter((_, i) => i % 3 === 0))

describe('cropObject', () => {
  it("crops a square around the box's centre", () => {
    const { picture, patches } = cropObject(photo, mask, { size: 4, grid: 2, grow: 1, zeroOutside: false })
    expect(grey(picture)).toEqual([2, 3, 4, 5].flatMap(y => [2, 3, 4, 5].map(x => 10 + y * 10 + x)))
    expect(Array.from(patches)).toEqual([1, 1, 1, 1])
  })

  it('sets pixels outside the object to black', () => {
    const { picture } = cropObject(photo, mask, { size: 4, grid: 2, grow: 1, zeroOutside: true })
    expect(grey(picture)).toEqual([2, 3, 4, 5].flatMap(y => [0, 10 + y * 10 + 3, 10 + y * 10 + 4, 0]))
  })

  it('pads with black beyond the photo, and marks the patches that touch the object', () => {
    const { picture, patches } = cropObject(photo, mask, { size: 8, grid: 4, grow: 2, zeroOutside: false })
    expect(grey(picture).slice(0, 8)).toEqual([10, 11, 12, 13, 14, 15, 16, 17])
    expect(Array.from(patches)).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    const corner = { ...mask, data: mask.data.map((_, i) => (i === 0 ? 1 : 0)) }
    expect(grey(cropObject(photo, corner, { size: 3, grid: 3, grow: 3, zeroOutside: false }).picture)).toEqual([
      0, 0, 0, 0, 10, 11, 0, 20, 21
    ])
  })

  it("resizes to the model's size", () => {
    expect(cropObject(photo, mask, { size: 16, grid: 2, grow: 1.3, zeroOutside: false }).picture).toMatchObject({
      width: 16,
      height: 16
    })
  })

  it('rejects an empty mask and one of another photo', () => {
    const rule = { size: 4, grid: 2, grow: 1, zeroOutside: false }
    const attempts = [
      () => cropObject(photo, { ...mask, data: new Uint8Array(80) }, rule),
      () => cropObject(photo, { width: 1, height: 1, data: new Uint8Array(1) }, rule)
    ]
    for (const attempt of attempts)
      expect(attempt).toThrow(expect.objectContaining({ code: 'E_BAD_PROMPT' }) as SamError)
  })
})

it('normalizeInto: writes one channel after the other, as CLIP requires', () => {
  const out = new Float32Array(7)
  normalizeInto(out, 1, { width: 2, height: 1, data: Uint8Array.of(0, 255, 0, 255, 0, 255) })
  expect(Array.from(out, v => Math.round(v * 1e4) / 1e4)).toEqual([
    0, -1.7923, 1.9303, 2.0749, -1.7521, -1.4802, 2.1459
  ])
})
