import { ops, type Value } from '@sam/core/graph'
import type { Emit } from '../builder.js'
import { windowRows } from './windows.js'

/**
 * Padding, partition, heads and their inverse are one Gather for each of q, k, v and the result: rows of a head's width
 * go straight to where the products read them. Plain operators come out faster here than MultiHeadAttention.
 */
export const windowAttention: Emit = (to, y) => {
  const [qkv, border, bias] = y.inputs as [Value, Value, Value]
  const { heads, window: side } = y.attrs as { heads: number; window: number }
  const [b, h, w, c3] = qkv.shape as [number, number, number, number]
  const [d, area] = [c3 / 3 / heads, side * side]
  const { into, back } = windowRows([b, h, w], side)
  const n = into.length / area

  // Rows of d numbers: q, k, v of each head at each place of the grid, and after them those of the border.
  const rows = ops.concat([ops.reshape(qkv, [b * h * w * heads * 3, d]), ops.reshape(border, [heads * 3, d])], 0)
  const [q, k, v] = [0, 1, 2].map(part => {
    const index = new Int32Array(n * heads * area)
    for (let i = 0; i < index.length; i++) {
      const [window, head, position] = [Math.floor(i / (heads * area)), Math.floor(i / area) % heads, i % area]
      index[i] = (into[window * area + position] * heads + head) * 3 + part
    }
    return ops.reshape(ops.gather(rows, ops.indices(index), 0), [n, heads, area, d])
  }) as [Value, Value, Value]

  const scores = ops.add(ops.matmul(ops.mul(q, d ** -0.5), ops.swap(k)), ops.reshape(bias, [1, heads, area, area]))
  const out = ops.reshape(ops.matmul(ops.softmax(scores), v), [n * heads * area, d])
  const place = new Int32Array(b * h * w * heads)
  for (let i = 0; i < place.length; i++) {
    const at = back[Math.floor(i / heads)]
    place[i] = (Math.floor(at / area) * heads + (i % heads)) * area + (at % area)
  }
  return to.of(ops.reshape(ops.gather(out, ops.indices(place), 0), y.shape))
}
