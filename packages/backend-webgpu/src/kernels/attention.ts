/** Attention without stored scores: one thread per query, online softmax, keys and values in workgroup memory. */
import { sizeOf, type Value } from '@sam/core/graph'
import { denseView, type View } from '../view.js'
import { flash, relativePositions, type Bias } from './flash.js'
import type { Kernel } from './kernel.js'
import { biasForm, relativeForm, windowAttention as windowProgram, windowShared } from './window.js'

/** Most channels of a query and a result that fit in registers; wider heads are decomposed. */
const widestHead = 128

/**
 * Scaled dot-product attention. Operands are read through their strides, and the result is stored as [B, N, heads, d],
 * so that recombining the heads is a view.
 */
export const attention: Kernel = {
  supports: node =>
    node.dtype === 'f32' && node.shape.at(-1)! <= widestHead && node.inputs[0].shape.at(-1)! <= widestHead,
  lower(node, to) {
    const [batch, heads, queries, width] = node.shape as [number, number, number, number]
    const lead = [batch, heads]
    const spread = (x: View): View => ({
      ...x,
      shape: [...lead, ...x.shape.slice(2)],
      strides: x.strides.map((s, i) => (i < 2 && x.shape[i] === 1 ? 0 : s))
    })
    const [q, k, v, ...rest] = node.inputs.map(x => to.view(x)) as [View, View, View, ...View[]]
    const bias = biasOf(rest, [batch, heads, queries, k.shape[2]])
    const { program, flops } = flash({
      q: spread(q),
      k: spread(k),
      v: spread(v),
      bias,
      scale: node.attrs.scale as number,
      width
    })
    const buffer = to.emit(
      program,
      [q, k, v, ...rest].map(x => x.buffer),
      { length: sizeOf(node.shape), type: 'f32', flops }
    )
    return { buffer, shape: node.shape, offset: 0, strides: [queries * heads * width, width, heads * width, 1] }
  }
}

function biasOf(rest: readonly View[], scores: readonly number[]): Bias {
  const broadcast = (x: View, shape: readonly number[]): View => {
    const missing = shape.length - x.shape.length
    return {
      ...x,
      shape,
      strides: shape.map((_, i) => (i < missing || x.shape[i - missing] === 1 ? 0 : x.strides[i - missing]))
    }
  }
  const [mask, columns] = rest
  if (!mask) return { kind: 'none' }
  if (!columns) return { kind: 'mask', mask: broadcast(mask, scores) }
  const lead = scores.slice(0, 3)
  return {
    kind: 'grid',
    rows: broadcast(mask, [...lead, mask.shape.at(-1)!]),
    columns: broadcast(columns, [...lead, columns.shape.at(-1)!])
  }
}

/**
 * Self-attention of a grid with relative positions, directly from the qkv product: no split, transpose or window
 * copies. Global attention takes two dispatches (relative positions, then flash attention), windowed attention one.
 * Padding is the projection's bias, and its keys take part in the softmax, as in the reference.
 */
export const gridAttention: Kernel = {
  supports(node, limits) {
    const d = headWidth(node)
    if (node.dtype !== 'f32' || d % 4 !== 0 || d > widestHead) return false
    return node.attrs.window === 0 || windowShared(d, node.attrs.window as number, relativeForm) <= limits.sharedBytes
  },
  lower(node, to) {
    const [qkv, border, tableH, tableW] = node.inputs.map(v => to.dense(v))
    const [batch, height, width, channels] = node.shape as [number, number, number, number]
    const heads = node.attrs.heads as number
    const grid = { batch, height, width, heads, d: headWidth(node) }
    const length = sizeOf(node.shape)
    if (node.attrs.window !== 0) {
      const { program, flops } = windowProgram(grid, { window: node.attrs.window as number, form: relativeForm })
      return denseView(to.emit(program, [qkv, border, tableH, tableW], { length, type: 'f32', flops }), node.shape)
    }
    const positions = height * width
    const each = height + width
    const relative = to.emit(relativePositions(grid), [qkv, tableH, tableW], {
      length: batch * heads * positions * each,
      type: 'f32',
      flops: 2 * batch * positions * channels * each
    })
    const part = (i: number): View => ({
      buffer: qkv,
      shape: [batch, heads, positions, grid.d],
      strides: [positions * 3 * channels, grid.d, 3 * channels, 1],
      offset: i * channels
    })
    const table = (size: number, offset: number): View => ({
      buffer: relative,
      shape: [batch, heads, positions, size],
      strides: [heads * positions * each, positions * each, each, 1],
      offset
    })
    const bias: Bias = { kind: 'grid', rows: table(height, 0), columns: table(width, height) }
    const { program, flops } = flash({ q: part(0), k: part(1), v: part(2), bias, scale: grid.d ** -0.5, width: grid.d })
    return denseView(to.emit(program, [qkv, qkv, qkv, relative, relative], { length, type: 'f32', flops }), node.shape)
  }
}

/** The same in windows alone, with a bias for each pair of places: one dispatch. */
export const windowAttention: Kernel = {
  supports(node, limits) {
    const d = headWidth(node)
    return (
      node.dtype === 'f32' &&
      d % 4 === 0 &&
      d <= widestHead &&
      windowShared(d, node.attrs.window as number, biasForm) <= limits.sharedBytes
    )
  },
  lower(node, to) {
    const inputs = node.inputs.map(v => to.dense(v))
    const [batch, height, width] = node.shape as [number, number, number, number]
    const { heads, window } = node.attrs as { heads: number; window: number }
    const { program, flops } = windowProgram(
      { batch, height, width, heads, d: headWidth(node) },
      { window, form: biasForm }
    )
    return denseView(to.emit(program, inputs, { length: sizeOf(node.shape), type: 'f32', flops }), node.shape)
  }
}

const headWidth = (node: Value): number => node.shape[3] / (node.attrs.heads as number)
