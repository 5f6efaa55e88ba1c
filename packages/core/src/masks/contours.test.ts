import { describe, expect, it } from 'vitest'
import { frameOf } from '../image/frame.js'
import { Mask } from './mask.js'
import { signedArea, type MultiPolygon } from './polygons.js'

const side = 64
/** A predicted mask whose logits are those of a function of the photo's pixels. */
function predicted(size: { width: number; height: number }, logit: (x: number, y: number) => number): Mask {
  const frame = frameOf(size, 256)
  const [down, across] = frame.originalSize.map((length, axis) => (4 * length) / frame.inputSize[axis])
  const lowResLogits = Float32Array.from({ length: side * side }, (_, i) =>
    logit(((i % side) + 0.5) * across, (Math.floor(i / side) + 0.5) * down)
  )
  return new Mask({ lowResLogits, frame, predictedIou: 1 })
}
const disc =
  (cx: number, cy: number, r: number) =>
  (x: number, y: number): number =>
    r - Math.hypot(x - cx, y - cy)
const area = (polygons: MultiPolygon): number => polygons.flat().reduce((sum, ring) => sum + signedArea(ring), 0)
const size = { width: 500, height: 400 }

describe('toPolygons({ smooth: true })', () => {
  it('follows a disc with a hole to a fraction of a pixel', () => {
    const [outer, inner] = [disc(250, 200, 120), disc(240, 210, 50)]
    const polygons = predicted(size, (x, y) => Math.min(outer(x, y), -inner(x, y))).toPolygons({ smooth: true })
    expect(polygons.map(rings => rings.map(ring => Math.sign(signedArea(ring))))).toEqual([[1, -1]])
    const [outline, hole] = polygons[0]
    // The error of linear interpolation between samples 7.9 pixels apart.
    for (const [x, y] of outline) expect(Math.abs(outer(x, y))).toBeLessThan(7.9 ** 2 / 8 / 120)
    for (const [x, y] of hole) expect(Math.abs(inner(x, y))).toBeLessThan(7.9 ** 2 / 8 / 45)
    expect(area(polygons)).toBeCloseTo(Math.PI * (120 ** 2 - 50 ** 2), -3)
  })

  it('ends at the edges of the photo', () => {
    const corner = predicted(size, disc(0, 0, 100)).toPolygons({ smooth: true })
    expect(area(corner)).toBeCloseTo((Math.PI * 100 ** 2) / 4, -2)
    const all = predicted(size, () => 5).toPolygons({ smooth: true, simplify: 0.01 })
    expect(area(all)).toBe(500 * 400)
    expect(all[0][0].every(([x, y]) => (x === 0 || x === 500) && (y === 0 || y === 400))).toBe(true)
    expect(predicted(size, () => -5).toPolygons({ smooth: true })).toEqual([])
  })

  it('has the pixels of the mask, but for its outline', () => {
    const mask = predicted(size, (x, y) => 3 * Math.sin(x / 40) + 2 * Math.cos(y / 30) + Math.sin((x + y) / 23))
    expect(Mask.fromPolygons(mask.toPolygons({ smooth: true }), size).iou(mask)).toBeGreaterThan(0.995)
  })

  it('keeps apart or joins regions that touch at a corner', () => {
    for (const middle of [-3, 3]) {
      const logits = new Float32Array(side * side).fill(-1)
      for (const [x, y, v] of [
        [10, 10, 2],
        [11, 11, 2],
        [10, 11, -2 + middle / 3],
        [11, 10, -2 + middle / 3]
      ])
        logits[y * side + x] = v
      const mask = new Mask({ lowResLogits: logits, frame: frameOf({ width: 256, height: 256 }, 256), predictedIou: 1 })
      expect(mask.toPolygons({ smooth: true })).toHaveLength(middle < 0 ? 2 : 1)
    }
  })

  it('cuts the corners of a mask without logits', () => {
    const mask = Mask.fromBitmap({ width: 4, height: 3, data: Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) })
    expect(area(mask.toPolygons({ smooth: true }))).toBe(0.5)
    const square = Mask.fromPolygons(
      [
        [
          [
            [0, 0],
            [9, 0],
            [9, 9],
            [0, 9],
            [0, 0]
          ]
        ]
      ],
      { width: 20, height: 20 }
    )
    expect(area(square.toPolygons({ smooth: true }))).toBeCloseTo(81 - 1 / 8)
    expect(Mask.fromPolygons([], { width: 3, height: 3 }).toPolygons({ smooth: true })).toEqual([])
  })
})

describe('toAlpha', () => {
  const half = Mask.fromPolygons(
    [
      [
        [
          [0, 0],
          [20, 0],
          [20, 30],
          [0, 30],
          [0, 0]
        ]
      ]
    ],
    { width: 40, height: 30 }
  )

  it('is 0 or 255 without feather', () => {
    expect(half.toAlpha()).toEqual(half.bitmap().map(v => v * 255))
  })

  it('fades across the outline, but not at the edges of the photo', () => {
    const row = [...half.toAlpha({ feather: 4 }).subarray(40 * 29)]
    expect(row).toEqual([...row].sort((a, b) => b - a))
    expect([row[0], row[15], row[24], row[39]]).toEqual([255, 255, 0, 0])
    expect(row[19] + row[20]).toBe(255)
    expect(row[17]).toBeLessThan(255)
  })

  it('rejects what is no number of pixels', () => {
    for (const feather of [-1, NaN, Infinity, '3'])
      expect(() => half.toAlpha({ feather: feather as number })).toThrow(
        expect.objectContaining({ code: 'E_BAD_OPTION' })
      )
  })
})

it('withoutSmallRegions: fills holes and removes islands, and returns the same mask if there are none', () => {
  const rows = ['###.#', '#.#..', '###..']
  const mask = Mask.fromBitmap({ width: 5, height: 3, data: Uint8Array.from(rows.join(''), c => Number(c === '#')) })
  expect(mask.withoutSmallRegions(1)).toBe(mask)
  const cleaned = mask.withoutSmallRegions(2)
  expect([cleaned.area, cleaned.boxXyxy]).toEqual([9, [0, 0, 3, 3]])
})
