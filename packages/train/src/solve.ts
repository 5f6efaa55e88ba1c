/** Solves a system whose rows have the right side last, by elimination with pivots. */
export function solved(rows: Float64Array[]): number[] {
  const n = rows.length
  for (let c = 0; c < n; c++) {
    const pivot = rows.reduce((best, row, r) => r >= c && Math.abs(row[c]) > Math.abs(rows[best][c]) ? r : best, c)
    ;[rows[c], rows[pivot]] = [rows[pivot], rows[c]]
    for (let r = 0; r < n; r++) {
      if (r === c) continue
      const factor = rows[r][c] / rows[c][c]
      for (let k = c; k <= n; k++) rows[r][k] -= factor * rows[c][k]
    }
  }
  return rows.map((row, c) => row[n] / row[c])
}
