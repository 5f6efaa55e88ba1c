import { Mask, type MultiPolygon } from '@sam/core'
import { rasterize } from '@sam/core/model'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { simplifyTogether } from './simplify-together.js'

interface Labels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

const exactOutlines = ({ width, height, data }: Labels, count: number): MultiPolygon[] =>
  Array.from({ length: count }, (_, i) =>
    new Mask({ width, height, data: data.map(label => (label === i + 1 ? 1 : 0)) }).toPolygons()
  )

/** Soft blobs of labels: the nearest of some centres, with a wavy distance. Without background, or with some. */
function blobs(width: number, height: number, { background = 0, seed = 1 } = {}): Labels {
  const random = (i: number): number => (Math.sin(seed * 7919 + i * 104729) * 43758.5453) % 1
  const centres = Array.from({ length: 6 }, (_, i) => [
    Math.abs(random(2 * i)) * width,
    Math.abs(random(2 * i + 1)) * height
  ])
  const data = Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)]
    const distances = centres.map(
      ([cx, cy]) => Math.hypot(x - cx, y - cy) + 3 * Math.sin(x / 3 + y / 5) + Math.sin(x * y)
    )
    const least = Math.min(...distances)
    return background && least > background ? 0 : distances.indexOf(least) + 1
  })
  return { width, height, data }
}

/** How many objects cover the centre of each pixel of a finer grid. */
function cover(objects: readonly MultiPolygon[], { width, height }: Labels, scale = 3): Uint8Array {
  const sum = new Uint8Array(width * height * scale * scale)
  for (const polygons of objects) {
    // The centres of the finer grid avoid the lattice of corners, so no centre lies on a border by chance.
    const finer = polygons.map(rings => rings.map(ring => ring.map(([x, y]) => [x * scale + 0.013, y * scale + 0.017])))
    rasterize(finer as never, { width: width * scale, height: height * scale }).data.forEach((inside, i) => {
      sum[i] += inside
    })
  }
  return sum
}

const never = (): boolean => false

const corners = (objects: readonly MultiPolygon[]): number => objects.flat(3).length

describe('simplifyTogether', () => {
  it.each([1, 2, 3, 4])('covers an image of touching objects without overlap and gap (seed %i)', seed => {
    const labels = blobs(60, 50, { seed })
    const exact = exactOutlines(labels, 6)
    for (const tolerance of [0.8, 2, 5]) {
      const simple = simplifyTogether(exact, { ...labels, tolerance, overlap: never })
      expect(new Set(cover(simple, labels))).toEqual(new Set([1]))
      expect(corners(simple)).toBeLessThan(corners(exact) / 2)
    }
  })

  it('keeps objects apart, stays within the tolerance, and keeps every ring and corner of the original', () => {
    const labels = fc.tuple(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 10 })).chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        data: fc.uint8Array({ max: 3, minLength: width * height, maxLength: width * height })
      })
    )
    fc.assert(
      fc.property(labels, fc.constantFrom(0.5, 1, 3, 100), (image, tolerance) => {
        const exact = exactOutlines(image, 3)
        const simple = simplifyTogether(exact, { ...image, tolerance, overlap: never })
        expect(simple.map(polygons => polygons.map(rings => rings.length))).toEqual(
          exact.map(polygons => polygons.map(rings => rings.length))
        )
        expect(Math.max(...cover(simple, image))).toBeLessThanOrEqual(1)
        for (const [i, polygons] of exact.entries()) {
          for (const [k, rings] of polygons.entries()) {
            for (const [r, ring] of rings.entries()) {
              const line = simple[i][k][r]
              expect(line[0]).toEqual(line.at(-1))
              for (const p of ring) expect(distanceTo(line, p)).toBeLessThanOrEqual(tolerance + 1e-9)
            }
          }
        }
      }),
      { numRuns: 200 }
    )
  })

  it.each([1, 2, 3])('keeps objects at the edge of the image, without gap inside the tolerance (seed %i)', seed => {
    const labels = blobs(60, 50, { seed, background: 14 })
    const [tolerance, scale] = [3, 3]
    const covered = cover(
      simplifyTogether(exactOutlines(labels, 6), { ...labels, tolerance, overlap: never }),
      labels,
      scale
    )
    const isInside = (x: number, y: number): boolean =>
      x < 0 || y < 0 || x >= labels.width || y >= labels.height || labels.data[y * labels.width + x] > 0
    const reach = Array.from({ length: 2 * tolerance + 3 }, (_, i) => i - tolerance - 1)
    let deep = 0
    covered.forEach((count, at) => {
      const [x, y] = [at % (labels.width * scale), Math.floor(at / (labels.width * scale))].map(v =>
        Math.floor(v / scale)
      )
      if (!reach.every(dy => reach.every(dx => isInside(x + dx, y + dy)))) return
      deep++
      expect(count).toBe(1)
    })
    expect(deep).toBeGreaterThan(1000)
  })

  it('leaves masks unchanged with tolerance 0', () => {
    const labels = blobs(40, 30, { background: 8 })
    const exact = exactOutlines(labels, 6)
    const same = simplifyTogether(exact, { ...labels, tolerance: 0, overlap: never })
    for (const [i, polygons] of exact.entries()) expect(rasterize(same[i], labels)).toEqual(rasterize(polygons, labels))
  })

  it('simplifies objects that overlap as well as one alone, and keeps those apart that do not overlap', () => {
    const [width, height, tolerance] = [90, 60, 2]
    const disc = (cx: number, cy: number, radius: number) => {
      const data = Uint8Array.from({ length: width * height }, (_, at) =>
        Math.hypot((at % width) - cx, Math.floor(at / width) - cy) + Math.sin(at % 7) < radius ? 1 : 0
      )
      return new Mask({ width, height, data })
    }
    const [a, b] = [disc(30, 30, 20), disc(31, 30, 20)]
    const outside = a.bitmap().map((inside, at) => (inside || b.bitmap()[at] ? 0 : 1))
    const masks = [a, b, new Mask({ width, height, data: outside })]
    const overlap = (i: number, k: number): boolean => masks[i].sharedArea(masks[k]) > 0
    const options = { tolerance, width, height, overlap }
    const [first, second, rest] = simplifyTogether(
      masks.map(mask => mask.toPolygons()),
      options
    )
    const apart = simplifyTogether([a.toPolygons(), b.toPolygons()], options)
    expect(corners(apart)).toBe(
      corners([a.toPolygons(), b.toPolygons()].map(one => simplifyTogether([one], options)[0]))
    )
    const labels = { width, height, data: new Uint8Array(width * height) }
    for (const one of [first, second]) expect(Math.max(...cover([one, rest], labels))).toBe(1)
    expect(Math.min(...cover([first, second, rest], labels))).toBe(1)
  })

  it('keeps nested objects nested: masks may overlap', () => {
    const inside = (x: number, y: number, side: number) => (_: number, at: number) =>
      at % 30 >= x && at % 30 < x + side && Math.floor(at / 30) >= y && Math.floor(at / 30) < y + side ? 1 : 0
    const mask = (...where: [number, number, number]) =>
      new Mask({ width: 30, height: 30, data: new Uint8Array(900).map(inside(...where)) }).toPolygons()
    const [whole, part] = simplifyTogether([mask(2, 2, 20), mask(2, 2, 9)], {
      tolerance: 1,
      width: 30,
      height: 30,
      overlap: () => true
    })
    expect(rasterize(whole, { width: 30, height: 30 }).data.filter(Boolean)).toHaveLength(400)
    expect(rasterize(part, { width: 30, height: 30 }).data.filter(Boolean)).toHaveLength(81)
  })
})

function distanceTo(line: readonly (readonly [number, number])[], [x, y]: readonly [number, number]): number {
  let least = Infinity
  for (let i = 1; i < line.length; i++) {
    const [[ax, ay], [bx, by]] = [line[i - 1], line[i]]
    const [dx, dy] = [bx - ax, by - ay]
    const length = dx * dx + dy * dy
    const t = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0
    least = Math.min(least, Math.hypot(x - ax - t * dx, y - ay - t * dy))
  }
  return least
}
