import { constant, f32, ops, type Value } from '@sam/core/graph'
import type { Builder, Emit } from '../builder.js'
import { windowRows } from './windows.js'
import { reshape } from './write.js'

/**
 * Windowed attention is one fused node, global attention runs per head: on a CPU each is the fastest form that does not
 * store [heads, N, N] scores.
 */
export const gridAttention: Emit = (to, y) => (y.attrs.window ? attendWindows(to, y) : to.of(attendGrid(y)))

/**
 * Relative positions are part of the product: q is extended by its biases per row and per column, k by a one-hot
 * encoding of its row and column, so that one MultiHeadAttention computes the full score. Padding with partition, and
 * their inverse, are one Gather each.
 */
function attendWindows(to: Builder, y: Value): string {
  const [qkv, border, relPosH, relPosW] = y.inputs as [Value, Value, Value, Value]
  const { heads, window: side } = y.attrs as { heads: number; window: number }
  const [b, h, w, c3] = qkv.shape as [number, number, number, number]
  const [c, d, area] = [c3 / 3, c3 / 3 / heads, side * side]
  const { into, back } = windowRows([b, h, w], side)
  const n = into.length / area

  const grid = ops.concat([ops.reshape(qkv, [b * h * w, c3]), ops.reshape(border, [1, c3])], 0)
  const windows = ops.gather(grid, ops.indices(into), 0)
  const [q, k, v] = [0, 1, 2].map(i => ops.slice(windows, 1, { start: i * c, size: c })) as [Value, Value, Value]

  const perHead = (x: Value, width: number): Value => ops.reshape(x, [n, area, heads, width])
  const byRow = ops.matmul(ops.reshape(q, [n, side, side * heads, d]), relative(relPosH, { side, factor: d ** 0.5 }))
  const columns = ops.transpose(ops.reshape(q, [n, side, side, c]), [0, 2, 1, 3])
  const byColumn = ops.matmul(
    ops.reshape(columns, [n, side, side * heads, d]),
    relative(relPosW, { side, factor: d ** 0.5 })
  )
  const relW = ops.transpose(ops.reshape(byColumn, [n, side, side, heads * side]), [0, 2, 1, 3])
  const query = ops.concat([perHead(q, d), perHead(byRow, side), perHead(relW, side)], 3)
  const key = ops.concat([perHead(k, d), ops.broadcastTo(oneHotPositions(side), [n, area, heads, 2 * side])], 3)

  const flat = (x: Value): string => to.of(ops.reshape(x, [n, area, -1]))
  const out = to.node('com.microsoft.MultiHeadAttention', [flat(query), flat(key), flat(v)], {
    num_heads: heads,
    scale: d ** -0.5
  })
  return reshape(
    to,
    to.node('Gather', [reshape(to, out, [n * area, c]), to.of(ops.indices(back))], { axis: 0 }),
    y.shape
  )
}

/** One head and one band of rows at a time: only their scores are stored. */
function attendGrid(y: Value): Value {
  const [qkv, , relPosH, relPosW] = y.inputs as [Value, Value, Value, Value]
  const heads = y.attrs.heads as number
  const [b, h, w, c3] = qkv.shape as [number, number, number, number]
  const d = c3 / 3 / heads
  const tableH = relative(relPosH, { side: h })
  const tableW = relative(relPosW, { side: w })

  const attendHead = (image: number, head: number): Value => {
    const tokens = ops.reshape(ops.slice(qkv, 0, { start: image, size: 1 }), [h * w, c3])
    const [q, k, v] = [0, 1, 2].map(i => ops.slice(tokens, 1, { start: (i * heads + head) * d, size: d })) as [
      Value,
      Value,
      Value
    ]
    const byRow = ops.matmul(ops.reshape(q, [h, w, d]), tableH) // [H, W, kh]
    const byColumn = ops.transpose(ops.matmul(ops.transpose(ops.reshape(q, [h, w, d]), [1, 0, 2]), tableW), [1, 0, 2]) // [H, W, kw]
    return ops.concat(
      bands([h, w]).map(({ start, size }) => {
        const n = size * w
        const queries = ops.mul(ops.slice(q, 0, { start: start * w, size: n }), d ** -0.5)
        const product = ops.reshape(ops.matmul(queries, ops.swap(k)), [n, h, w])
        const scores = [
          ops.reshape(ops.slice(byRow, 0, { start, size }), [n, h, 1]),
          ops.reshape(ops.slice(byColumn, 0, { start, size }), [n, 1, w])
        ].reduce(ops.add, product)
        return ops.matmul(ops.softmax(ops.reshape(scores, [n, h * w])), v)
      }),
      0
    )
  }
  const images = Array.from({ length: b }, (_, image) =>
    ops.concat(
      Array.from({ length: heads }, (_, head) => attendHead(image, head)),
      1
    )
  )
  return ops.reshape(ops.concat(images, 0), y.shape)
}

/** Scores stored at a time: 16 MB. Fewer are not faster; more need memory without being faster. */
const bandScores = 1 << 22

/** Splits the grid's rows into bands whose queries are processed together. */
function bands([h, w]: readonly [number, number]): { start: number; size: number }[] {
  const height = Math.max(1, Math.floor(bandScores / (w * h * w)))
  return Array.from({ length: Math.ceil(h / height) }, (_, i) => ({
    start: i * height,
    size: Math.min(height, h - i * height)
  }))
}

/**
 * A table of relative positions as the right operand of a product with q: [side, d, side]. Depends on weights alone, so
 * the runtime folds it.
 */
function relative(table: Value, { side, factor = 1 }: { side: number; factor?: number }): Value {
  const scaled = factor === 1 ? table : ops.mul(table, factor)
  return ops.swap(ops.relativeTable(scaled, side))
}

/** [1, side², 1, 2·side]: one-hot encodings of each key's row and column. */
function oneHotPositions(side: number): Value {
  const ones = new Float32Array(side * side * 2 * side)
  for (let i = 0; i < side * side; i++)
    ones[i * 2 * side + Math.floor(i / side)] = ones[i * 2 * side + side + (i % side)] = 1
  return constant(f32([1, side * side, 1, 2 * side], ones))
}
