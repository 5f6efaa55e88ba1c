import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import type { Bitmap } from '../masks/bitmap.js'
import type { Frame } from '../image/frame.js'
import { Mask } from '../masks/mask.js'
import { bitmapBox, boxIou, toLastPixels, type Box } from '../masks/box.js'
import { cropBoxes, cutSides } from './crops.js'
import { boxNms } from './nms.js'
import { pointGrid } from './point-grid.js'
import { bitmapOfRuns, runsOfBitmap } from '../masks/runs.js'
import { removeSmallRegions } from '../masks/small-regions.js'

const picture = (...rows: string[]): Bitmap => ({
  width: rows[0].length,
  height: rows.length,
  data: Uint8Array.from(rows.join(''), c => (c === '#' ? 1 : 0))
})
const drawn = ({ width, height, data }: Bitmap): string[] =>
  Array.from({ length: height }, (_, y) =>
    Array.from(data.subarray(y * width, (y + 1) * width), v => (v ? '#' : '.')).join('')
  )

it('pointGrid: returns the cell centres row by row', () => {
  expect(pointGrid(2)).toEqual([
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75]
  ])
  expect(pointGrid(1)).toEqual([[0.5, 0.5]])
})

describe('cropBoxes', () => {
  // Meta: generate_crop_boxes((1000, 1500), 2, 512 / 1500).
  it("returns Meta's crops", () => {
    const crops = cropBoxes({ width: 1500, height: 1000 }, { layers: 2, overlap: 512 / 1500 })
    expect(crops.map(c => c.layer)).toEqual([0, ...Array<number>(4).fill(1), ...Array<number>(16).fill(2)])
    expect(crops.slice(0, 5).map(c => c.box)).toEqual([
      [0, 0, 1500, 1000],
      [0, 0, 921, 671],
      [0, 330, 921, 1000],
      [580, 0, 1500, 671],
      [580, 330, 1500, 1000]
    ])
    expect(crops.at(-1)!.box).toEqual([999, 624, 1500, 1000])
  })

  it('covers every pixel for any size', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (width, height, overlap) => {
          for (const layer of [1, 2]) {
            const boxes = cropBoxes({ width, height }, { layers: 2, overlap })
              .filter(c => c.layer === layer)
              .map(c => c.box)
            for (const box of boxes)
              expect(box[0] >= 0 && box[1] >= 0 && box[2] <= width && box[3] <= height).toBe(true)
            for (let x = 0; x < width; x += 7)
              for (let y = 0; y < height; y += 7)
                expect(boxes.some(([x0, y0, x1, y1]) => x >= x0 && x < x1 && y >= y0 && y < y1)).toBe(true)
          }
        }
      ),
      { numRuns: 40 }
    ))

  it('cutSides: lists edges of the crop that are not edges of the photo', () => {
    const size = { width: 1000, height: 1000 }
    const crop: Box = [0, 0, 600, 600]
    expect(cutSides([0, 0, 500, 500], crop, size)).toEqual([])
    expect(cutSides([100, 100, 590, 300], crop, size)).toEqual([2])
    expect(cutSides([410, 100, 700, 1000], [400, 100, 1000, 1000], size)).toEqual([0, 1])
    expect(cutSides([100, 100, 1000, 1000], [0, 0, 1000, 1000], size)).toEqual([])
    // The last column is 579, and 580 where the box ends at 581.
    expect(cutSides([100, 100, 580, 300], crop, size)).toEqual([])
    expect(cutSides([100, 100, 581, 300], crop, size)).toEqual([2])
  })
})

describe('boxNms', () => {
  const item = (score: number, ...box: [number, number, number, number]): { score: number; box: Box } => ({
    score,
    box
  })
  it('keeps the best of overlapping boxes', () => {
    const items = [item(0.5, 0, 0, 10, 10), item(0.9, 1, 0, 11, 10), item(0.7, 20, 0, 30, 10), item(0.9, 0, 0, 3, 3)]
    expect(boxNms(items, i => i.score, 0.7)).toEqual([items[1], items[3], items[2]])
    expect(boxNms(items, i => i.score, 0.9)).toHaveLength(4)
  })
  it("compares boxes by their last pixels, as Meta's code does", () => {
    // By edges the IoU is 40 / 60 = 2/3; by last pixels 27 / 45 = 0.6.
    const items = [item(0.9, 0, 0, 10, 6), item(0.8, 0, 0, 10, 4)]
    expect(boxNms(items, i => i.score, 0.65)).toHaveLength(2)
    expect(boxNms(items, i => i.score, 0.59)).toHaveLength(1)
  })
  it('keeps all empty boxes', () => {
    const items = [item(0.9, 0, 0, 0, 0), item(0.8, 0, 0, 0, 0), item(0.7, 0, 0, 9, 9)]
    expect(boxNms(items, i => i.score, 0.5)).toEqual(items)
  })
  it('does not suppress by a removed box', () => {
    const items = [item(0.9, 0, 0, 10, 10), item(0.8, 4, 0, 14, 10), item(0.7, 8, 0, 18, 10)]
    expect(boxNms(items, i => i.score, 0.3)).toEqual([items[0], items[2]])
  })
  it('equals a comparison of all pairs, for boxes of any size', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2000), fc.nat(2000), fc.nat(900), fc.nat(900), fc.nat(20)), { maxLength: 40 }),
        fc.constantFrom(-0.1, 0, 0.2, 0.7),
        (drawn, threshold) => {
          const items = drawn.map(([x, y, w, h, score]) => item(score, x, y, x + w, y + h))
          const kept: typeof items = []
          for (const i of [...items].sort((a, b) => b.score - a.score))
            if (kept.every(k => Math.fround(boxIou(toLastPixels(k.box), toLastPixels(i.box))) <= threshold))
              kept.push(i)
          expect(boxNms(items, i => i.score, threshold)).toEqual(kept)
        }
      )
    ))
  it('boxIou', () => {
    expect(boxIou([0, 0, 2, 2], [1, 1, 3, 3])).toBeCloseTo(1 / 7)
    expect(boxIou([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0)
  })
})

describe('removeSmallRegions', () => {
  const cleaned = (bitmap: Bitmap, minArea: number) => {
    const { runs, changed } = removeSmallRegions(runsOfBitmap(bitmap), bitmap, minArea)
    return { drawn: drawn({ ...bitmap, data: bitmapOfRuns(runs, bitmap) }), changed }
  }
  it('fills holes, then removes islands, 8-connected', () => {
    const before = picture('#####..#', '#.###...', '#####...', '.....#..', '......#.')
    const { drawn, changed } = cleaned(before, 2)
    expect(drawn).toEqual(['#####...', '#####...', '#####...', '.....#..', '......#.'])
    expect(changed).toBe(true)
  })
  it('keeps the largest island if all are too small', () =>
    expect(cleaned(picture('#..##', '.....', '.....'), 3).drawn).toEqual(['...##', '.....', '.....']))
  it('returns the same runs if nothing changes', () => {
    for (const [bitmap, minArea] of [
      [picture('###', '###', '...'), 3],
      [picture('...', '...'), 1]
    ] as const) {
      const before = runsOfBitmap(bitmap)
      const { runs, changed } = removeSmallRegions(before, bitmap, minArea)
      expect(runs).toBe(before)
      expect(changed).toBe(false)
    }
  })
  it("counts a small island that is the only one as a change, as Meta's code does", () => {
    const bitmap = picture('#....', '.....')
    const before = runsOfBitmap(bitmap)
    const found = removeSmallRegions(before, bitmap, 5)
    expect(found.changed).toBe(true)
    expect(found.runs).toBe(before)
  })
})

it('Mask.measure: equals the measures of the full-size mask', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.integer({ min: -32, max: 16 }).map(n => n / 8),
        { minLength: 64, maxLength: 64 }
      ),
      fc.integer({ min: 3, max: 50 }),
      fc.integer({ min: 3, max: 50 }),
      (logits, width, height) => {
        const imageSize = 32
        const scale = imageSize / Math.max(width, height)
        const frame: Frame = {
          imageSize,
          inputSize: [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))],
          originalSize: [height, width]
        }
        const mask = new Mask({ lowResLogits: Float32Array.from(logits), frame, predictedIou: 1 })
        const all = mask.logits()
        const over = (least: number): number => all.reduce((n, v) => n + Number(v > least), 0)
        const { area, box, stability } = mask.measure(1)
        expect(area).toBe(over(0))
        expect(Array.from(mask.bitmap({ keep: false }))).toEqual(Array.from(all, v => Number(v > 0)))
        expect(box).toEqual(bitmapBox({ width, height, data: mask.bitmap() }))
        // `all` is rounded to f32, so a logit close to ±1 may be on either side.
        const iou = (margin: number): number => (over(-1 - margin) ? over(1 + margin) / over(-1 - margin) : 0)
        expect(stability).toBeGreaterThanOrEqual(iou(1e-6))
        expect(stability).toBeLessThanOrEqual(over(-1 + 1e-6) ? over(1 - 1e-6) / over(-1 + 1e-6) : 1)
      }
    ),
    { numRuns: 40 }
  ))
