import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bitmapBox } from './box.js'
import { Mask } from './mask.js'
import { tracePolygons } from './polygons.js'
import { encodeRle } from './rle.js'
import { bitmapOfRuns, extentOfRuns, runsOfBitmap, shiftRuns, sharedArea } from './runs.js'

const [width, height] = [13, 9]
const bits = fc.array(fc.nat(1), { minLength: width * height, maxLength: width * height }).map(v => Uint8Array.from(v))

it('runs: have the pixels, area and box of the bitmap', () =>
  fc.assert(
    fc.property(bits, data => {
      const runs = runsOfBitmap({ width, height, data })
      expect(bitmapOfRuns(runs, { width, height })).toEqual(data)
      expect(extentOfRuns(runs)).toEqual({
        area: data.reduce((n, v) => n + v, 0),
        box: bitmapBox({ width, height, data })
      })
      const wide = bitmapOfRuns(shiftRuns(runs, [3, 2]), { width: width + 3, height: height + 2 })
      const moved = Array.from(data.keys()).filter(
        i => data[i] !== wide[(Math.floor(i / width) + 2) * (width + 3) + (i % width) + 3]
      )
      expect(moved).toEqual([])
    })
  ))

it('Mask.toRle, toPolygons: are those of the whole bitmap, computed from the box', () =>
  fc.assert(
    fc.property(bits, fc.nat(width), fc.nat(height), (data, x, y) => {
      const cut = data.map((v, i) => (i % width >= x && i / width >= y ? v : 0))
      const mask = Mask.fromBitmap({ width, height, data: cut })
      expect(mask.toRle()).toEqual(encodeRle({ width, height, data: cut }))
      expect(mask.toPolygons()).toEqual(tracePolygons(runsOfBitmap({ width, height, data: cut })))
    })
  ))

it('sharedArea, Mask.iou: count the pixels inside both', () =>
  fc.assert(
    fc.property(bits, bits, (a, b) => {
      const shared = a.reduce((n, v, i) => n + (v & b[i]), 0)
      const either = a.reduce((n, v, i) => n + (v | b[i]), 0)
      const [p, q] = [a, b].map(data => Mask.fromBitmap({ width, height, data }))
      expect(sharedArea(p.runs, q.runs)).toBe(shared)
      expect(p.iou(q)).toBe(either ? shared / either : 1)
    })
  ))
