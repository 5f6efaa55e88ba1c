import fc from 'fast-check'
import { Mask } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { ringsOfRuns } from './rings.js'

const [width, height] = [13, 9]

/** Whether a position is inside rings, by the even-odd rule. */
function isInside(rings: readonly number[][], x: number, y: number): boolean {
  let inside = false
  for (const ring of rings)
    for (let i = 0; i < ring.length; i += 2) {
      const [ax, ay, bx, by] = [ring[i], ring[i + 1], ring[(i + 2) % ring.length], ring[(i + 3) % ring.length]]
      if (ay > y !== by > y && x < ax + ((y - ay) * (bx - ax)) / (by - ay)) inside = !inside
    }
  return inside
}

describe('ringsOfRuns', () => {
  it('outlines exactly the pixels inside, along their edges', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }), data => {
        const rings = ringsOfRuns(new Mask({ width, height, data }).runs)
        for (let i = 0; i < data.length; i++)
          expect(isInside(rings, (i % width) + 0.5, Math.floor(i / width) + 0.5)).toBe(data[i] === 1)
        for (const ring of rings)
          for (let i = 0; i < ring.length; i += 2) {
            const [dx, dy] = [ring[(i + 2) % ring.length] - ring[i], ring[(i + 3) % ring.length] - ring[i + 1]]
            expect(dx === 0 || dy === 0).toBe(true)
          }
      })
    )
  })
  it('gives one ring for a rectangle, with its corners, and none for an empty mask', () => {
    expect(ringsOfRuns(Int32Array.from([2, 3, 7, 3, 3, 7]))).toEqual([[7, 4, 3, 4, 3, 2, 7, 2]])
    expect(ringsOfRuns(new Int32Array(0))).toEqual([])
  })
})
