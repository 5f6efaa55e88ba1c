import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyTaps, bilinearTaps, composeTaps, tapsMatrix, type Taps } from './interpolate.js'

const size = fc.integer({ min: 1, max: 40 })
const rowSums = (taps: Taps) =>
  Array.from({ length: taps.outSize }, (_, i) =>
    tapsMatrix(taps)
      .subarray(i * taps.inSize, (i + 1) * taps.inSize)
      .reduce((a, b) => a + b, 0)
  )

describe('bilinearTaps', () => {
  it('equals torch interpolate(align_corners=False) on small cases', () => {
    expect([...tapsMatrix(bilinearTaps(2, 4))]).toEqual([1, 0, 0.75, 0.25, 0.25, 0.75, 0, 1])
    expect([...tapsMatrix(bilinearTaps(4, 2))]).toEqual([0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5])
    expect([...tapsMatrix(bilinearTaps(1, 3))]).toEqual([1, 1, 1])
  })

  it('averages over all inputs when downsampling with antialias', () => {
    expect([...tapsMatrix(bilinearTaps(4, 1, { antialias: true }))]).toEqual(
      [0.625, 0.875, 0.875, 0.625].map(w => w / 3)
    )
  })

  it('preserves constants, stays within the input and is the identity for equal sizes', () => {
    fc.assert(
      fc.property(size, size, fc.boolean(), (inSize, outSize, antialias) => {
        const taps = bilinearTaps(inSize, outSize, { antialias })
        for (const sum of rowSums(taps)) expect(sum).toBeCloseTo(1, 12)
        for (let i = 0; i < outSize; i++) {
          expect(taps.first[i]).toBeGreaterThanOrEqual(0)
          expect(taps.count[i]).toBeLessThanOrEqual(taps.width)
          expect(taps.first[i] + taps.count[i]).toBeLessThanOrEqual(inSize)
        }
        if (inSize === outSize) tapsMatrix(taps).forEach((w, k) => expect(w).toBe(k % (inSize + 1) === 0 ? 1 : 0))
      })
    )
  })

  it('preserves linear functions away from the border', () => {
    const taps = bilinearTaps(8, 16)
    for (let i = 1; i < 15; i++) {
      let x = 0
      for (let k = 0; k < taps.count[i]; k++) x += taps.weights[i * taps.width + k] * (taps.first[i] + k)
      expect(x).toBeCloseTo((i + 0.5) / 2 - 0.5, 12)
    }
  })
})

describe('composeTaps', () => {
  it('equals the product of the matrices, cropped or padded with zeros between them', () => {
    const axis = fc.record({ n: size, m: size, cut: size, o: size, antialias: fc.tuple(fc.boolean(), fc.boolean()) })
    fc.assert(
      fc.property(axis, ({ n, m, cut, o, antialias }) => {
        const a = bilinearTaps(n, m, { antialias: antialias[0] })
        const b = bilinearTaps(cut, o, { antialias: antialias[1] })
        const [am, bm, got] = [tapsMatrix(a), tapsMatrix(b), tapsMatrix(composeTaps(a, b))]
        for (let i = 0; i < o; i++) {
          for (let k = 0; k < n; k++) {
            let sum = 0
            for (let j = 0; j < Math.min(m, cut); j++) sum += bm[i * cut + j] * am[j * n + k]
            expect(got[i * n + k]).toBeCloseTo(sum, 12)
          }
        }
      })
    )
  })
})

describe('applyTaps', () => {
  it('applies along the middle axis', () => {
    const taps = bilinearTaps(2, 4)
    expect([...applyTaps(taps, [0, 4, 8, 0], { outer: 2 })]).toEqual([0, 1, 3, 4, 8, 6, 2, 0])
    expect([...applyTaps(taps, [0, 8, 4, 0], { inner: 2 })]).toEqual([0, 8, 1, 6, 3, 2, 4, 0])
  })
})
