/** Solves a linear system by Gaussian elimination with pivoting; each row ends with its right-hand side. */
export function solveLinear(rows: Float64Array[]): number[] {
  const n = rows.length
  for (let c = 0; c < n; c++) {
    const pivot = rows.reduce((best, row, r) => (r >= c && Math.abs(row[c]) > Math.abs(rows[best][c]) ? r : best), c)
    ;[rows[c], rows[pivot]] = [rows[pivot], rows[c]]
    for (let r = 0; r < n; r++) {
      if (r === c) continue
      const factor = rows[r][c] / rows[c][c]
      for (let k = c; k <= n; k++) rows[r][k] -= factor * rows[c][k]
    }
  }
  return rows.map((row, c) => row[n] / row[c])
}

/** y ≈ map · x + constant: a row of `map` and an entry of `constant` per dimension of y. */
export interface LinearMap {
  readonly map: readonly (readonly number[])[]
  readonly constant: readonly number[]
}

/**
 * Ridge regression with a constant over all pairs. `ridge` is relative to the mean square of an entry of x; it keeps
 * directions without data small.
 */
export function ridgeRegression(x: readonly Float32Array[], y: readonly Float32Array[], ridge: number): LinearMap {
  const dimensions = x[0].length
  const given = x.map(row => Float64Array.of(...row, 1))
  const size = x.reduce((sum, row) => sum + row.reduce((a, b) => a + b * b, 0), 0) / dimensions
  const moments = Array.from({ length: dimensions + 1 }, (_, a) =>
    Float64Array.from({ length: dimensions + 1 }, (_v, b) =>
      given.reduce((sum, row) => sum + row[a] * row[b], a === b && a < dimensions ? ridge * size : 0)
    )
  )
  const rows = Array.from(y[0], (_, k) =>
    solveLinear(
      moments.map((row, a) =>
        Float64Array.of(
          ...row,
          given.reduce((sum, v, i) => sum + v[a] * y[i][k], 0)
        )
      )
    )
  )
  return { map: rows.map(row => row.slice(0, dimensions)), constant: rows.map(row => row[dimensions]) }
}

/** Applies a linear map to x. */
export const applyMap = ({ map, constant }: LinearMap, x: ArrayLike<number>): number[] =>
  map.map((row, k) => row.reduce((sum, v, j) => sum + v * x[j], constant[k]))

/** Eigenvectors of a symmetric matrix by eigenvalue, largest first, of unit length: Jacobi rotations. */
export function principalComponents(
  symmetric: readonly Float64Array[]
): { readonly value: number; readonly vector: Float64Array }[] {
  const n = symmetric.length
  const m = symmetric.map(row => Float64Array.from(row))
  const vectors = m.map((_, i) => Float64Array.from({ length: n }, (_v, k) => Number(i === k)))
  const size = m.reduce((sum, row) => sum + row.reduce((a, b) => a + b * b, 0), 0)
  const rotate = (a: Float64Array, b: Float64Array, { c, s }: { c: number; s: number }): void => {
    for (let k = 0; k < n; k++) [a[k], b[k]] = [c * a[k] - s * b[k], s * a[k] + c * b[k]]
  }
  for (let rest = Infinity; rest > 1e-18 * size; ) {
    rest = 0
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        rest += m[p][q] ** 2
        if (m[p][q] === 0) continue
        const slope = (m[q][q] - m[p][p]) / (2 * m[p][q])
        const t = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.hypot(slope, 1))
        const turn = { c: 1 / Math.hypot(t, 1), s: t / Math.hypot(t, 1) }
        rotate(m[p], m[q], turn)
        for (const row of m) [row[p], row[q]] = [turn.c * row[p] - turn.s * row[q], turn.s * row[p] + turn.c * row[q]]
        rotate(vectors[p], vectors[q], turn)
      }
    }
  }
  return vectors.map((vector, i) => ({ value: m[i][i], vector })).sort((a, b) => b.value - a.value)
}
