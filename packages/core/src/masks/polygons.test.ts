import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bitmap } from './bitmap.js'
import { labelRuns } from './components.js'
import { signedArea, tracePolygons, type MultiPolygon } from './polygons.js'
import { rasterize } from './rasterize.js'
import { simplifyPolygons } from './simplify-polygons.js'

/** A bitmap drawn with characters: # is inside. */
function draw(...rows: string[]): Bitmap {
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
  it('draws a pixel as a square and an empty bitmap as nothing', () => {
    expect(tracePolygons(draw('...', '.#.'))).toEqual([
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
    expect(tracePolygons(draw('...', '...'))).toEqual([])
  })

  it('puts a hole behind its outline', () => {
    const [polygon, ...rest] = tracePolygons(draw('####', '#..#', '####'))
    expect(rest).toEqual([])
    expect(polygon.map(signedArea)).toEqual([12, -2])
  })

  it('parts pixels that meet at a corner only', () => {
    expect(tracePolygons(draw('#.', '.#')).map(rings => rings.map(signedArea))).toEqual([[1], [1]])
  })

  it('cuts a hole that meets the outside at a corner from the outline', () => {
    const areas = tracePolygons(draw('###', '#.#', '##.')).map(rings => rings.map(signedArea))
    expect(areas).toEqual([[8, -1]])
  })

  it('gives the bitmap back when filled, in simple rings, one polygon a component', () => {
    fc.assert(
      fc.property(bitmaps, bitmap => {
        const polygons = tracePolygons(bitmap)
        expect(rasterize(polygons, bitmap)).toEqual(bitmap)
        expect(polygons.length).toBe(labelRuns(bitmap).components)
        let area = 0
        for (const [outline, ...holes] of polygons) {
          expect(signedArea(outline)).toBeGreaterThan(0)
          for (const hole of holes) expect(signedArea(hole)).toBeLessThan(0)
          for (const ring of [outline, ...holes]) {
            area += signedArea(ring)
            expect(ring[0]).toEqual(ring.at(-1))
            const corners = ring.slice(1)
            expect(new Set(corners.map(String)).size).toBe(corners.length)
            // A turn at each corner: along the axes, each step changes the other coordinate than the step before.
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
  it('joins what is joined later, and nothing at corners', () => {
    const { runs, components } = labelRuns(draw('#.#.#', '###..', '...##'))
    expect(components).toBe(3)
    expect(runs.map(run => run.component)).toEqual([0, 0, 1, 0, 2])
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

  it('takes pixels by their centre, open rings, and unites polygons', () => {
    expect(filled([[square(0.5, 0.5, 1)]])).toBe(1)
    expect(filled([[square(0.51, 0.51, 1)]])).toBe(1)
    expect(filled([[square(0, 0, 3)], [square(1, 1, 3)]])).toBe(14)
    expect(filled([[square(0, 0, 4), square(1, 1, 2)]])).toBe(12)
  })

  it('clips what lies outside', () => {
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
  ])('refuses %s', (_, polygons) => {
    expect(() => rasterize(polygons as MultiPolygon, { width: 4, height: 4 })).toThrow(
      expect.objectContaining({ code: 'E_BAD_PROMPT' })
    )
  })

  it('refuses a picture past the limit before it allocates', () => {
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

  it('drops what collapses, holes with their outline', () => {
    expect(simplifyPolygons(tracePolygons(draw('###', '#.#', '###')), 3)).toEqual([])
    expect(simplifyPolygons(tracePolygons(disc), 0)[0][0].length).toBe(tracePolygons(disc)[0][0].length)
  })
})
