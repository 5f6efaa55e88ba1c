import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bitmap } from './bitmap.js'
import { labelRuns } from './components.js'
import { signedArea, tracePolygons as traceRuns, type MultiPolygon } from './polygons.js'
import { rasterize } from './rasterize.js'
import { runsOfBitmap } from './runs.js'
import { simplifyPolygons } from './simplify-polygons.js'

const tracePolygons = (bitmap: Bitmap): MultiPolygon => traceRuns(runsOfBitmap(bitmap))

/** A bitmap from rows of characters: # is inside. */
function bitmapOf(...rows: string[]): Bitmap {
  return { width: rows[0].length, height: rows.length, data: Uint8Array.from(rows.join(''), c => (c === '#' ? 1 : 0)) }
}

const bitmaps = fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 })).chain(([width, height]) =>
  fc.record({
    width: fc.constant(width),
    height: fc.constant(height),
    data: fc.uint8Array({ max: 1, minLength: width * height, maxLength: width * height })
  })
)

describe('tracePolygons', () => {
  it('traces a pixel as a square and an empty bitmap as no polygon', () => {
    expect(tracePolygons(bitmapOf('...', '.#.'))).toEqual([
      [
        [
          [2, 1],
          [2, 2],
          [1, 2],
          [1, 1],
          [2, 1]
        ]
      ]
    ])
    expect(tracePolygons(bitmapOf('...', '...'))).toEqual([])
  })

  it('lists a hole after its outline', () => {
    const [polygon, ...rest] = tracePolygons(bitmapOf('####', '#..#', '####'))
    expect(rest).toEqual([])
    expect(polygon.map(signedArea)).toEqual([12, -2])
  })

  it('separates pixels that touch only at a corner', () => {
    expect(tracePolygons(bitmapOf('#.', '.#')).map(rings => rings.map(signedArea))).toEqual([[1], [1]])
  })

  it('separates a hole that touches the outside at a corner from the outline', () => {
    const areas = tracePolygons(bitmapOf('###', '#.#', '##.')).map(rings => rings.map(signedArea))
    expect(areas).toEqual([[8, -1]])
  })

  it('restores the bitmap when filled, with simple rings and one polygon per component', () => {
    fc.assert(
      fc.property(bitmaps, bitmap => {
        const polygons = tracePolygons(bitmap)
        expect(rasterize(polygons, bitmap)).toEqual(bitmap)
        expect(polygons.length).toBe(labelRuns(runsOfBitmap(bitmap)).count)
        let area = 0
        for (const [outline, ...holes] of polygons) {
          expect(signedArea(outline)).toBeGreaterThan(0)
          for (const hole of holes) expect(signedArea(hole)).toBeLessThan(0)
          for (const ring of [outline, ...holes]) {
            area += signedArea(ring)
            expect(ring[0]).toEqual(ring.at(-1))
            const corners = ring.slice(1)
            expect(new Set(corners.map(String)).size).toBe(corners.length)
            // Every corner is a turn: consecutive steps change different coordinates.
            corners.forEach((p, i) => {
              const q = corners[(i + 1) % corners.length]
              const r = corners[(i + 2) % corners.length]
              expect((q[0] - p[0]) * (r[0] - q[0]) + (q[1] - p[1]) * (r[1] - q[1])).toBeCloseTo(0)
            })
          }
        }
        expect(area).toBe(bitmap.data.reduce((a, b) => a + b, 0))
      }),
      { numRuns: 500 }
    )
  })
})

describe('labelRuns', () => {
  it('joins runs that connect in a later row, and none at corners', () => {
    const { labels, count } = labelRuns(runsOfBitmap(bitmapOf('#.#.#', '###..', '...##')))
    expect(count).toBe(3)
    expect([...labels]).toEqual([0, 0, 1, 0, 2])
  })
})

describe('rasterize', () => {
  const square = (x: number, y: number, side: number): [number, number][] => [
    [x, y],
    [x + side, y],
    [x + side, y + side],
    [x, y + side]
  ]
  const filled = (polygons: MultiPolygon, width = 4, height = 4) =>
    rasterize(polygons, { width, height }).data.reduce((a, b) => a + b, 0)

  it('selects pixels by their centres, accepts open rings, and unites polygons', () => {
    expect(filled([[square(0.5, 0.5, 1)]])).toBe(1)
    expect(filled([[square(0.51, 0.51, 1)]])).toBe(1)
    expect(filled([[square(0, 0, 3)], [square(1, 1, 3)]])).toBe(14)
    expect(filled([[square(0, 0, 4), square(1, 1, 2)]])).toBe(12)
  })

  it('clips parts outside the picture', () => {
    expect(filled([[square(-10, -10, 100)]])).toBe(16)
    expect(filled([[square(2, -1e9, 2e9)]])).toBe(8)
    expect(filled([[square(9, 9, 5)], [square(-9, -9, 5)]])).toBe(0)
    expect(filled([[[]], []])).toBe(0)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['flat COCO numbers', [[0, 0, 4, 0, 4, 4]]],
    [
      'NaN',
      [
        [
          [
            [0, NaN],
            [1, 1],
            [1, 0]
          ]
        ]
      ]
    ],
    ['infinity', [[[[0, Infinity]]]]],
    ['text', [[[['0', '0']]]]],
    ['a ring of nothing', [[null]]]
  ])('rejects %s', (_, polygons) => {
    expect(() => rasterize(polygons as MultiPolygon, { width: 4, height: 4 })).toThrow(
      expect.objectContaining({ code: 'E_BAD_PROMPT' })
    )
  })

  it('rejects a picture over the limit before allocating', () => {
    expect(() => rasterize([], { width: 1e6, height: 1e6 })).toThrow(expect.objectContaining({ code: 'E_BAD_PROMPT' }))
  })
})

describe('simplifyPolygons', () => {
  const disc: Bitmap = {
    width: 80,
    height: 80,
    data: Uint8Array.from({ length: 6400 }, (_, i) => (Math.hypot((i % 80) - 40, Math.floor(i / 80) - 40) < 30 ? 1 : 0))
  }

  it('keeps the shape with far fewer corners', () => {
    const exact = tracePolygons(disc)
    const simple = simplifyPolygons(exact, 1)
    expect(simple[0][0].length).toBeLessThan(exact[0][0].length / 4)
    const differing = rasterize(simple, disc).data.reduce((n, v, i) => n + (v === disc.data[i] ? 0 : 1), 0)
    expect(differing).toBeLessThan(0.05 * 2827)
    for (const corner of simple[0][0]) expect(exact[0][0]).toContainEqual(corner)
  })

  it('removes rings that collapse, and holes with their outline', () => {
    expect(simplifyPolygons(tracePolygons(bitmapOf('###', '#.#', '###')), 3)).toEqual([])
    expect(simplifyPolygons(tracePolygons(disc), 0)[0][0].length).toBe(tracePolygons(disc)[0][0].length)
  })
})
