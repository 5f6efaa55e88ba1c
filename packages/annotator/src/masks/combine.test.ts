import fc from 'fast-check'
import { Mask } from '@sam/core'
import { describe, expect, it } from 'vitest'
import type { Stroke } from '../document/project.js'
import { covers, emptyMask, paintStrokes, subtractMask, uniteMasks } from './combine.js'

const [width, height] = [37, 23]
const masks = fc
  .uint8Array({ minLength: width * height, maxLength: width * height, max: 2 })
  .map(data => new Mask({ width, height, data: data.map(value => (value > 1 ? 1 : 0)) }))
const coordinate = (size: number) => fc.double({ min: -8, max: size + 8, noNaN: true })
const strokes = fc.record({
  radius: fc.double({ min: 0.3, max: 9, noNaN: true }),
  erase: fc.boolean(),
  line: fc.array(fc.tuple(coordinate(width), coordinate(height)), { minLength: 1, maxLength: 6 })
})

/** Distance of a position from a stroke's line, the slow way. */
const distance = ({ line }: Stroke, x: number, y: number): number =>
  Math.min(
    ...line.map(([bx, by], i) => {
      const [ax, ay] = line[Math.max(0, i - 1)]
      const [dx, dy] = [bx - ax, by - ay]
      const along = dx || dy ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy))) : 0
      return Math.hypot(x - ax - along * dx, y - ay - along * dy)
    })
  )

describe('paintStrokes', () => {
  it('sets or clears exactly the pixels whose centres lie within the brush, in the order of the strokes', () => {
    fc.assert(
      fc.property(masks, fc.array(strokes, { maxLength: 4 }), (mask, list) => {
        const painted = paintStrokes(mask, list).bitmap()
        for (let i = 0; i < width * height; i++) {
          const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5]
          let [wanted, isClear]: [number, boolean] = [mask.bitmap()[i], true]
          for (const stroke of list) {
            const gap = distance(stroke, x, y) - stroke.radius
            if (Math.abs(gap) < 1e-9) isClear = false // rounding decides
            if (gap <= 0) wanted = stroke.erase ? 0 : 1
          }
          if (isClear) expect(painted[i]).toBe(wanted)
        }
      })
    )
  })

  it('paints a mask that Mask.from accepts, with the estimate of the mask under it', () => {
    fc.assert(
      fc.property(masks, fc.array(strokes, { minLength: 1, maxLength: 3 }), (mask, list) => {
        const { inside, predictedIou } = paintStrokes(new Mask({ ...mask, inside: mask.runs, predictedIou: 0.5 }), list)
        expect(Mask.from({ width, height, inside: inside!, predictedIou }).predictedIou).toBe(0.5)
      })
    )
  })

  it('covers one pixel with a dot of the smallest brush, and nothing outside the picture', () => {
    const dot = (line: [number, number][]) =>
      paintStrokes(emptyMask({ width, height }), [{ radius: 0.6, erase: false, line }])
    expect(dot([[1.5, 1.5]]).boxXyxy).toEqual([1, 1, 2, 2])
    expect(dot([[-5, -5]]).area).toBe(0)
  })
})

describe('masks of one picture', () => {
  it('unite, subtract and cover as their bitmaps do', () => {
    fc.assert(
      fc.property(masks, masks, fc.nat(width - 1), fc.nat(height - 1), (a, b, x, y) => {
        const [left, right] = [a.bitmap(), b.bitmap()]
        expect(uniteMasks([a, b]).bitmap()).toEqual(left.map((value, i) => value | right[i]))
        expect(subtractMask(a, b).bitmap()).toEqual(left.map((value, i) => value & ~right[i]))
        expect(covers(a, [x + 0.3, y + 0.9])).toBe(left[y * width + x] === 1)
      })
    )
  })
})
