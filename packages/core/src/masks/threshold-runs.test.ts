import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameOf } from '../image/frame.js'
import { thresholdRuns } from './threshold-runs.js'
import { upscaleLogits } from './upscale.js'

const side = 64

/** Logits as a decoder gives them: smooth blobs, and noise whose amplitude decides how much outline there is. */
function blobs(seed: number, noise: number): Float32Array {
  const next = (n: number): number => (Math.sin((seed + 1) * 127.1 + n * 311.7) * 43758.5453) % 1
  const [cx, cy, r] = [1, 2, 3].map(n => (0.5 + next(n) / 2) * side)
  return Float32Array.from({ length: side * side }, (_, i) => {
    const distance = Math.hypot((i % side) - cx, Math.floor(i / side) - cy)
    return 20 * Math.tanh((r - distance) / 4) + noise * next(i + 4)
  })
}

const bitmapOf = (logits: Float32Array, size: { width: number; height: number }, threshold: number): Uint8Array => {
  const bits = new Uint8Array(size.width * size.height)
  thresholdRuns(logits, { frame: frameOf(size, 256), threshold }, (y, start, end) => {
    expect(start).toBeLessThan(end)
    bits.fill(1, y * size.width + start, y * size.width + end)
  })
  return bits
}

/** Much faster than `toEqual` for arrays of this size. */
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

describe('thresholdRuns', () => {
  it('are exactly the upscaled logits above the threshold, for photos of any size', () =>
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.constantFrom(0, 1, 30),
        fc.constantFrom(-20, -1, 0, 0.5, 19.99, 50),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 700 }),
        (seed, noise, threshold, width, height) => {
          const logits = blobs(seed, noise)
          const all = upscaleLogits(logits, frameOf({ width, height }, 256))
          const expected = Uint8Array.from(all, logit => (logit > threshold ? 1 : 0))
          expect(sameBytes(bitmapOf(logits, { width, height }, threshold), expected)).toBe(true)
        }
      ),
      { numRuns: 60 }
    ))

  it('take constant logits at, above and below the threshold', () => {
    const size = { width: 90, height: 50 }
    for (const [logit, inside] of [
      [3, 0],
      [3.0001, 1],
      [2.9999, 0]
    ])
      expect(new Set(bitmapOf(new Float32Array(side * side).fill(logit), size, 3))).toEqual(new Set([inside]))
  })

  it('take logits that are not finite as the comparison does', () => {
    for (const odd of [NaN, Infinity, -Infinity]) {
      const logits = blobs(5, 1)
      logits[20 * side + 30] = odd
      const all = upscaleLogits(logits, frameOf({ width: 200, height: 150 }, 256))
      expect(bitmapOf(logits, { width: 200, height: 150 }, 0)).toEqual(Uint8Array.from(all, v => (v > 0 ? 1 : 0)))
    }
  })
})
