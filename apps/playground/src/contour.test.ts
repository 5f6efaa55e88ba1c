import fc from 'fast-check'
import { Mask } from '@sam/core'
import { frameOf } from '@sam/core/model'
import { describe, expect, it } from 'vitest'
import { contour } from './contour.js'

const side = 8
const frame = frameOf({ width: 64, height: 48 }, 32)
const logits = (f: (x: number, y: number) => number): Float32Array =>
  Float32Array.from({ length: side * side }, (_, i) => f(i % side, Math.floor(i / side)))
const area = (ring: Float32Array): number => {
  let twice = 0
  for (let i = 0; i < ring.length; i += 2)
    twice += ring[i] * ring[(i + 3) % ring.length] - ring[(i + 2) % ring.length] * ring[i + 1]
  return twice / 2
}

/** Whether a position is inside, by the even-odd rule. */
const inside = (rings: readonly Float32Array[], x: number, y: number): boolean => {
  let isInside = false
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      const [ax, ay, bx, by] = [ring[i], ring[i + 1], ring[(i + 2) % ring.length], ring[(i + 3) % ring.length]]
      if (ay > y !== by > y && x < ax + ((y - ay) * (bx - ax)) / (by - ay)) isInside = !isInside
    }
  }
  return isInside
}

describe('contour', () => {
  it('outlines the image where all logits are positive, and returns no rings where all are negative', () => {
    const [ring, ...more] = contour(
      logits(() => 1),
      frame
    )
    expect(more).toEqual([])
    expect(Math.abs(area(ring))).toBeCloseTo(64 * 48, 3)
    expect(
      contour(
        logits(() => -1),
        frame
      )
    ).toEqual([])
  })

  it('interpolates the zero crossing between pixels', () => {
    // The image is 64 wide, 8 low-resolution pixels of 8 each: between −1 at 20 and 3 at 28 the crossing is at 22.
    const [ring] = contour(
      logits(x => (x < 3 ? -1 : 3)),
      frame
    )
    const xs = ring.filter((_, i) => i % 2 === 0)
    expect(Math.min(...xs)).toBeCloseTo(22, 4)
    expect(Math.max(...xs)).toBeCloseTo(64, 4)
  })

  it('traces a hole as a separate ring of opposite orientation', () => {
    const rings = contour(
      logits((x, y) => (Math.hypot(x - 3.5, y - 2.5) < 1.2 ? -1 : 1)),
      frame
    )
    expect(rings).toHaveLength(2)
    expect(Math.sign(area(rings[0]))).toBe(-Math.sign(area(rings[1])))
  })

  it('covers the pixels of the mask, except along the outline', () => {
    const real = (min: number, max: number) => fc.double({ min, max, noNaN: true })
    fc.assert(
      fc.property(real(-1, 8), real(-1, 7), real(1, 6), (cx, cy, radius) => {
        const low = logits((x, y) => radius - Math.hypot(x - cx, y - cy))
        const rings = contour(low, frame)
        const exact = new Mask({ lowResLogits: low, frame, predictedIou: 1 }).logits()
        let wrong = 0
        for (let y = 0; y < 48; y++)
          for (let x = 0; x < 64; x++) if (inside(rings, x + 0.5, y + 0.5) !== exact[y * 64 + x] > 0) wrong++
        // Straight segments approximate the hyperbolas of bilinear cells, and one resize approximates two.
        expect(wrong / exact.length).toBeLessThan(0.03)
      }),
      { numRuns: 50 }
    )
  })
})
