import { sizeOf } from '../tensor/shape.js'
import type { Kernel } from './exact.js'

/** Three loops, batch by batch; the innermost runs along rows of b. */
export const matmul: Kernel = ([a, b], y) => {
  const [m, k] = a.shape.slice(-2) as [number, number]
  const n = b.shape.at(-1)!
  const out = new Float64Array(sizeOf(y.shape))
  const batches = m * n ? out.length / (m * n) : 0
  for (let batch = 0; batch < batches; batch++) {
    const [ofA, ofB, ofY] = [batch * m * k, batch * k * n, batch * m * n]
    for (let i = 0; i < m; i++) {
      for (let p = 0; p < k; p++) {
        const x = a.data[ofA + i * k + p]
        for (let j = 0; j < n; j++) out[ofY + i * n + j] += x * b.data[ofB + p * n + j]
      }
    }
  }
  return out
}
