import { expect, it } from 'vitest'
import { allClose, difference, maxError } from './compare.js'

it('difference: is relative to the largest expected magnitude, at least 1', () => {
  expect(maxError([1, 2.5], [1, 2])).toBe(0.25)
  expect(maxError([0.001], [0])).toBe(0.001)
  expect(maxError([1000, 1], [1000, 0])).toBe(0.001)
  expect([allClose([1.01], [1], 0.02), allClose([1.03], [1], 0.02)]).toEqual([true, false])
})

it('difference: NaN and infinity equal only themselves', () => {
  expect(maxError([NaN, Infinity, -Infinity, 0], [NaN, Infinity, -Infinity, -0])).toBe(0)
  for (const [found, expected] of [
    [NaN, 1],
    [1, NaN],
    [Infinity, -Infinity],
    [Infinity, 1e30],
    [1, Infinity]
  ])
    expect(maxError([found], [expected])).toBe(Infinity)
})

it('difference: finds the first error over the tolerance, and differing lengths', () => {
  expect(difference([1, 1.05, 1.2], [1, 1, 1], 0.1)).toMatchObject({ firstBad: 2 })
  expect(difference([1, 1, 1], [1, 1, 1])).toEqual({ error: 0, firstBad: -1 })
  expect(difference([1], [1, 2])).toEqual({ error: Infinity, firstBad: 1 })
})
