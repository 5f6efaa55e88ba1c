import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { principalComponents } from './solve.js'

describe('principalComponents', () => {
  it('returns orthonormal eigenvectors, sorted by eigenvalue', () => {
    const rng = createRng(3)
    const x = Array.from({ length: 9 }, () => Float64Array.from({ length: 6 }, () => rng.normal()))
    const matrix = Array.from({ length: 6 }, (_, a) =>
      Float64Array.from({ length: 6 }, (_v, b) => x.reduce((sum, row) => sum + row[a] * row[b], 0))
    )
    const found = principalComponents(matrix)
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, v, i) => sum + v * b[i], 0)
    for (const [i, { value, vector }] of found.entries()) {
      for (const [j, other] of found.entries()) expect(dot(vector, other.vector)).toBeCloseTo(Number(i === j), 9)
      for (let a = 0; a < 6; a++) expect(dot(matrix[a], vector)).toBeCloseTo(value * vector[a], 8)
      if (i) expect(value).toBeLessThanOrEqual(found[i - 1].value)
    }
  })
  it('returns the axes of a diagonal matrix', () => {
    expect(
      principalComponents([Float64Array.of(1, 0), Float64Array.of(0, 4)]).map(({ value, vector }) => [value, ...vector])
    ).toEqual([
      [4, 0, 1],
      [1, 1, 0]
    ])
  })
})
