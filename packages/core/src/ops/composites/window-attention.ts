import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { compose, gather, indices, reshape, slice, transpose } from '../build.js'
import { attention } from './attention.js'
import { windowPartition, windowUnpartition } from './windows.js'

export const windowAttentionComposite: Composite = {
  name: 'windowAttention',
  decompose([qkv, border, bias], { heads, window }) {
    const [, height, width, c3] = qkv.shape as [number, number, number, number]
    const [side, h] = [window as number, heads as number]
    const [area, d] = [side * side, c3 / 3 / h]
    const windows = windowPartition(qkv, side, border)
    const n = windows.shape[0]
    const parts = transpose(reshape(windows, [n, area, h, 3, d]), [3, 0, 2, 1, 4]) // [3, n, heads, area, d]
    const [q, k, v] = [0, 1, 2].map(i => reshape(slice(parts, 0, { start: i, size: 1 }), [n, h, area, d])) as [
      Value,
      Value,
      Value
    ]
    const out = attention([q, k, v], { mask: reshape(bias, [1, h, area, area]) }) // [n, heads, area, d]
    return windowUnpartition(reshape(transpose(out, [0, 2, 1, 3]), [n, side, side, h * d]), [height, width])
  }
}

export interface WindowAttentionOptions {
  readonly heads: number
  /** Side of the square windows that attend among themselves. The grid is padded right and bottom to whole windows. */
  readonly window: number
  /** What q, k and v are in the padding, [3C] in the order of `qkv`. Those keys take part in the attention. */
  readonly border: Value
  /** Added to the scores of every window, [heads, window², window²]: see `windowBias`. */
  readonly bias: Value
}

/**
 * Multi-head self-attention in windows of a grid with a bias for each pair of positions: [B,H,W,3C] → [B,H,W,C]. The
 * channels lie head by head: q, k, v of the first head, then of the second. TinyViT: tiny_vit.py#Attention.
 */
export function windowAttention(qkv: Value, { heads, window, border, bias }: WindowAttentionOptions): Value {
  const area = window * window
  if (qkv.shape.length !== 4 || qkv.shape[3] % (3 * heads) || `${border.shape}` !== `${qkv.shape[3]}`) {
    throw new GraphError(
      `windowAttention: qkv must be [B,H,W,3·${heads}·d] and the border [3·${heads}·d], found ${describe(qkv)} and ${describe(border)}`
    )
  }
  if (`${bias.shape}` !== `${[heads, area, area]}`)
    throw new GraphError(`windowAttention: the bias must be [${heads},${area},${area}], found ${describe(bias)}`)
  return compose(windowAttentionComposite, [qkv, border, bias], { heads, window })
}

/**
 * A learned bias per head and distance, [heads, side²], for every pair of positions of a window: [heads, side², side²].
 * The entry of rows r, s and columns c, d is |r − s|·side + |c − d|, TinyViT's order of first appearance.
 */
export function windowBias(table: Value, side: number): Value {
  const area = side * side
  const distance = Array.from({ length: area * area }, (_, i) => {
    const [query, key] = [Math.floor(i / area), i % area]
    const rows = Math.abs(Math.floor(query / side) - Math.floor(key / side))
    return rows * side + Math.abs((query % side) - (key % side))
  })
  return reshape(gather(table, indices(distance), 1), [table.shape[0], area, area])
}
