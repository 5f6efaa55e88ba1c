import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { compose, gather, indices, matmul, reshape, slice, swap, transpose } from '../build.js'
import { attention } from './attention.js'
import { windowPartition, windowUnpartition } from './windows.js'

export const gridAttentionComposite: Composite = {
  name: 'gridAttention',
  decompose([qkv, border, relPosH, relPosW], { heads, window }) {
    const [height, width] = [qkv.shape[1], qkv.shape[2]]
    const grid = window ? windowPartition(qkv, window as number, border) : qkv
    const out = attendGrid(grid, { heads: heads as number, relPosH: relPosH, relPosW: relPosW })
    return window ? windowUnpartition(out, [height, width]) : out
  }
}

export interface GridAttentionOptions {
  readonly heads: number
  /** Side of the square attention windows; 0: global attention. */
  readonly window: number
  /**
   * q, k and v of the padding, [3C]. SAM pads with zeros *before* the projection, so this is the projection's bias.
   * Padding keys take part in attention.
   */
  readonly border: Value
  /** Tables of learned relative positions, [2·side − 1, d], for rows and columns. */
  readonly relPos: readonly [Value, Value]
}

/**
 * Multi-head self-attention over a grid of tokens with decomposed relative positions, computed from the qkv product:
 * [B,H,W,3C] (q, k, v; each head by head) → [B,H,W,C]. Meta: image_encoder.py#Attention, #add_decomposed_rel_pos.
 */
export function gridAttention(
  qkv: Value,
  { heads, window, border, relPos: [relPosH, relPosW] }: GridAttentionOptions
): Value {
  const d = qkv.shape.at(-1)! / 3 / heads
  if (qkv.shape.length !== 4 || !Number.isInteger(d))
    throw new GraphError(`gridAttention: qkv must be [B,H,W,3·${heads}·d], found ${describe(qkv)}`)
  const sides = window ? [window, window] : [qkv.shape[1], qkv.shape[2]]
  for (const [i, table] of [relPosH, relPosW].entries()) {
    if (table.shape[0] !== 2 * sides[i] - 1 || table.shape[1] !== d) {
      throw new GraphError(
        `gridAttention: relative positions must be [${2 * sides[i] - 1},${d}], found ${describe(table)}`
      )
    }
  }
  return compose(gridAttentionComposite, [qkv, border, relPosH, relPosW], { heads, window })
}

function attendGrid(qkv: Value, { heads, relPosH, relPosW }: { heads: number; relPosH: Value; relPosW: Value }): Value {
  const [n, h, w, c3] = qkv.shape as [number, number, number, number]
  const d = c3 / 3 / heads
  const parts = transpose(reshape(qkv, [n, h * w, 3, heads, d]), [2, 0, 3, 1, 4]) // [3, N, heads, HW, d]
  const [q, k, v] = [0, 1, 2].map(i => reshape(slice(parts, 0, { start: i, size: 1 }), [n, heads, h * w, d])) as [
    Value,
    Value,
    Value
  ]

  // The bias uses the unscaled q: q[row, column]·R[row − key row] and q[row, column]·R[column − key column].
  const grid = reshape(q, [n * heads, h, w, d])
  const byRow = matmul(reshape(transpose(grid, [1, 0, 2, 3]), [h, n * heads * w, d]), swap(relativeTable(relPosH, h))) // [H, N·heads·W, kh]
  const byColumn = matmul(
    reshape(transpose(grid, [2, 0, 1, 3]), [w, n * heads * h, d]),
    swap(relativeTable(relPosW, w))
  ) // [W, N·heads·H, kw]
  const relH = reshape(transpose(reshape(byRow, [h, n * heads, w, h]), [1, 0, 2, 3]), [n, heads, h * w, h])
  const relW = reshape(transpose(reshape(byColumn, [w, n * heads, h, w]), [1, 2, 0, 3]), [n, heads, h * w, w])

  const out = attention([q, k, v], { relPos: [relH, relW] })
  return reshape(transpose(out, [0, 2, 1, 3]), [n, h, w, heads * d])
}

/**
 * [2·side−1, d] → [side, side, d]: row q, column k holds the table's entry for the distance q − k. Meta:
 * image_encoder.py#get_rel_pos.
 */
export function relativeTable(table: Value, side: number): Value {
  const distance = Array.from({ length: side * side }, (_, i) => Math.floor(i / side) - (i % side) + side - 1)
  return reshape(gather(table, indices(distance), 0), [side, side, table.shape[1]])
}
