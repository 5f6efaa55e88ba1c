/** The operations that are one tiled product: matmul, linear, conv2d and convTranspose2d. */
import { ops, sizeOf, type Value } from '@sam/core/graph'
import { denseView, joinedStride, reshaped, type Buffer, type View } from '../view.js'
import { contraction, packedHalves, strided, type Contraction, type Operand } from './contraction.js'
import { depthwise, isDepthwise } from './depthwise.js'
import type { Kernel, Lowering } from './kernel.js'
import { i32, sizesOf } from './program.js'
import { tileFor } from './tile.js'

const isF32 = (node: Value): boolean => node.dtype === 'f32'

/** Batched product of views; a transposed operand is read through its strides. */
export const matmul: Kernel = {
  epilogue: true,
  lower(node, to) {
    const [m, k, n] = [node.shape.at(-2)!, node.inputs[0].shape.at(-1)!, node.shape.at(-1)!]
    const batch = sizeOf(node.shape.slice(0, -2))
    const operand = (name: string, value: Value, swapped: boolean): { operand: Operand; view: View } => {
      const view = batched(to, value)
      const [row, step] = view.strides.slice(-2) as [number, number]
      return {
        view,
        operand: strided(name, {
          batch: joinedStride(view, view.shape.length - 2)!,
          row: swapped ? step : row,
          k: swapped ? row : step,
          offset: view.offset,
          depth: k
        })
      }
    }
    const [a, b] = [operand('a', node.inputs[0], false), operand('b', node.inputs[1], true)]
    return emit(node, to, {
      name: 'matmul',
      reads: [a.view.buffer, b.view.buffer],
      batch,
      rows: m,
      columns: n,
      depth: k,
      a: a.operand,
      b: b.operand
    })
  }
}

/** x·wᵀ + b; the weight as in the checkpoint, or packed as f16. */
export const linear: Kernel = {
  supports: isF32,
  epilogue: true,
  packedInput: () => 1,
  lower(node, to) {
    const [columns, depth] = node.inputs[1].shape as [number, number]
    const [x, weight] = [rowsOf(to, node.inputs[0]), weightOf(to, node.inputs[1], depth)]
    return emit(node, to, {
      name: 'linear',
      reads: [x.view.buffer, weight.buffer],
      bias: node.inputs[2],
      batch: 1,
      rows: sizeOf(node.shape) / columns,
      columns,
      depth,
      a: strided('a', { batch: 0, row: x.row, k: x.view.strides.at(-1)!, offset: x.view.offset, depth }),
      b: weight.operand
    })
  }
}

/**
 * The image is read where the kernel's window lies: no patches are ever stored. A 1×1 kernel is a linear layer. Of
 * convolutions in groups, depthwise ones have a program of their own.
 */
export const conv2d: Kernel = {
  supports: node => isF32(node) && (isDepthwise(node) || ops.groupsOf(node.inputs[0], node.inputs[1]) === 1),
  epilogue: true,
  packedInput: node => (isDepthwise(node) ? undefined : 1),
  lower(node, to) {
    if (ops.groupsOf(node.inputs[0], node.inputs[1]) > 1) return depthwise(node, to)
    const x = to.view(node.inputs[0])
    const [out, channels, kh, kw] = node.inputs[1].shape as [number, number, number, number]
    const [stride, padding] = [node.attrs.stride as number, node.attrs.padding as number]
    const [, height, width] = node.shape as [number, number, number, number]
    const depth = channels * kh * kw
    const weight = weightOf(to, node.inputs[1], depth)
    const [sb, sy, sx, sc] = x.strides as [number, number, number, number]
    const row = kh === 1 && kw === 1 && stride === 1 && padding === 0 ? joinedStride(x, 3) : undefined
    const a: Operand =
      row !== undefined
        ? strided('a', { batch: 0, row, k: sc, offset: x.offset, depth })
        : {
            binding: { name: 'a', components: 1 },
            alongK: true,
            uniforms: [
              ...sizesOf([height, width, x.shape[1], x.shape[2]], 'extent'),
              i32('stride', stride),
              i32('padding', padding),
              i32('aAt', x.offset),
              i32('aBatch', sb),
              i32('aRow', sy),
              i32('aColumn', sx),
              i32('aStep', sc)
            ],
            read: `
      let base = uniforms.aAt + n / (uniforms.extent0 * uniforms.extent1) * uniforms.aBatch;
      let y0 = n / uniforms.extent1 % uniforms.extent0 * uniforms.stride - uniforms.padding;
      let x0 = n % uniforms.extent1 * uniforms.stride - uniforms.padding;
      for (var e = 0; e < min(4, left); e++) {
        let yy = y0 + (k + e) / ${kw} % ${kh};
        let xx = x0 + (k + e) % ${kw};
        if (yy >= 0 && yy < uniforms.extent2 && xx >= 0 && xx < uniforms.extent3) {
          v[e] = a[base + (k + e) / ${kh * kw} * uniforms.aStep + yy * uniforms.aRow + xx * uniforms.aColumn];
        }
      }`
          }
    return emit(node, to, {
      name: 'conv2d',
      reads: [x.buffer, weight.buffer],
      bias: node.inputs[2],
      batch: 1,
      rows: sizeOf(node.shape) / out,
      columns: out,
      depth,
      a,
      b: weight.operand
    })
  }
}

/**
 * Each pixel becomes a tile, written to its final position, without a depth-to-space step. Column order: tile row, tile
 * column, channel.
 */
export const convTranspose2d: Kernel = {
  supports: isF32,
  epilogue: true,
  lower(node, to) {
    const [x, weight, bias] = [rowsOf(to, node.inputs[0]), to.dense(node.inputs[1]), node.inputs[2]]
    const [depth, out, kh, kw] = node.inputs[1].shape as [number, number, number, number]
    const [b, h, w] = node.inputs[0].shape as [number, number, number, number]
    const columns = out * kh * kw
    return emit(node, to, {
      name: 'convTranspose2d',
      reads: [x.view.buffer, weight],
      bias,
      biasAt: 'column % uniforms.channels',
      batch: 1,
      rows: b * h * w,
      columns,
      depth,
      a: strided('a', { batch: 0, row: x.row, k: x.view.strides.at(-1)!, offset: x.view.offset, depth }),
      b: {
        binding: { name: 'b', components: 1 },
        uniforms: [i32('channels', out), i32('width', w)],
        alongK: false,
        read: `for (var e = 0; e < min(4, left); e++) { v[e] = b[(k + e) * uniforms.columns + n % uniforms.channels * ${kh * kw} + n / uniforms.channels]; }`
      },
      // row = (batch·h + y)·w + x, so the result's row is (row / w)·kh + tile row.
      store: `((row / uniforms.width * ${kh} + column / uniforms.channels / ${kw}) * uniforms.width * ${kw} + row % uniforms.width * ${kw} + column / uniforms.channels % ${kw}) * uniforms.channels + column % uniforms.channels`
    })
  }
}

/** A contraction and its operands: a and b, and a bias added by result column or by `biasAt`. */
interface Product extends Omit<Contraction, 'tile' | 'epilogue' | 'bias'> {
  readonly reads: readonly [Buffer, Buffer]
  readonly bias?: Value | undefined
  readonly biasAt?: string
}

function emit(node: Value, to: Lowering, { reads, bias, biasAt = 'column', ...product }: Product): View {
  const epilogue = to.epilogue(node)
  const program = contraction({ ...product, tile: tileFor(product, to.largeTile), epilogue, bias: bias && biasAt })
  const inputs = [
    ...reads,
    ...(bias ? [to.dense(bias)] : []),
    ...(epilogue.residual ? [to.dense(epilogue.residual)] : [])
  ]
  return denseView(
    to.emit(program, inputs, {
      length: sizeOf(node.shape),
      type: 'f32',
      flops: 2 * product.batch * product.rows * product.columns * product.depth
    }),
    node.shape
  )
}

/** A view whose leading axes join into one row index. */
function rowsOf(to: Lowering, value: Value): { view: View; row: number } {
  const view = to.view(value)
  const row = joinedStride(view, view.shape.length - 1)
  return row === undefined ? { view: denseView(to.copy(view), view.shape), row: view.shape.at(-1)! } : { view, row }
}

/** A view whose batch axes join into one. */
function batched(to: Lowering, value: Value): View {
  const view = to.view(value)
  return joinedStride(view, view.shape.length - 2) === undefined ? denseView(to.copy(view), view.shape) : view
}

/**
 * A weight as an operand along k, and its buffer: packed f16 if the device stores it so, else as in the checkpoint.
 */
function weightOf(to: Lowering, weight: Value, depth: number): { operand: Operand; buffer: Buffer } {
  const packed = to.packed(weight)
  if (packed) return { operand: packedHalves('b', depth), buffer: packed }
  const view = to.view(weight)
  const [columns] = weight.shape
  const matrix = reshaped(view, [columns, depth]) ?? denseView(to.copy(view), [columns, depth])
  return {
    operand: strided('b', { batch: 0, row: matrix.strides[0], k: matrix.strides[1], offset: matrix.offset, depth }),
    buffer: matrix.buffer
  }
}
