import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { add, compose, matmul, mul, pad, reshape, slice, transpose } from '../build.js'

export const conv2dComposite: Composite = {
  name: 'conv2d',
  decompose([x, weight, bias], { stride, padding }) {
    const [out, channels, kh, kw] = weight.shape as [number, number, number, number]
    const y =
      stride === kh && stride === kw && padding === 0 && channels === x.shape[3]
        ? patchProduct(x, weight)
        : shiftedProducts(x, weight, { stride: stride as number, padding: padding as number })
    return bias ? add(y, reshape(bias, [1, 1, 1, out])) : y
  }
}

export interface ConvOptions {
  readonly stride?: number
  /** Zeros around every side. */
  readonly padding?: number
  /** Channels fall into so many groups, each convolved by itself; as many as channels is a depthwise convolution. */
  readonly groups?: number
}

/**
 * 2-D convolution, channels last: [B,H,W,in] → [B,H',W',out]. Weight [out, in / groups, kh, kw] and bias [out], as
 * PyTorch stores them. The node has no attribute for the groups: its shapes tell (`groupsOf`).
 */
export function conv2d(
  x: Value,
  [weight, bias]: readonly [Value, Value?],
  { stride = 1, padding = 0, groups = 1 }: ConvOptions = {}
): Value {
  if (
    x.shape.length !== 4 ||
    weight.shape.length !== 4 ||
    x.shape[3] !== groups * weight.shape[1] ||
    weight.shape[0] % groups
  ) {
    const wanted = groups === 1 ? '[out,in,kh,kw]' : `[out,in/${groups},kh,kw] with out a multiple of ${groups}`
    throw new GraphError(
      `conv2d: x must be [B,H,W,in] and the weight ${wanted}, found ${describe(x)} and ${describe(weight)}`
    )
  }
  return compose(conv2dComposite, bias ? [x, weight, bias] : [x, weight], { stride, padding })
}

/** Groups of a convolution, from the shapes of its image and its weight. */
export const groupsOf = (x: Value, weight: Value): number => x.shape[3] / weight.shape[1]

/** Kernel = stride: the image falls into patches, and the convolution is one product. */
function patchProduct(x: Value, weight: Value): Value {
  const [b, h, w, c] = x.shape as [number, number, number, number]
  const [out, , kh, kw] = weight.shape as [number, number, number, number]
  const [rows, columns] = [Math.floor(h / kh), Math.floor(w / kw)]
  const cropped = slice(slice(x, 1, { start: 0, size: rows * kh }), 2, { start: 0, size: columns * kw })
  // Transpose the small weight too, so that the large image is moved in contiguous rows of channels.
  const patches = transpose(reshape(cropped, [b, rows, kh, columns, kw, c]), [0, 1, 3, 2, 4, 5]) // [B, rows, columns, kh, kw, in]
  const product = matmul(reshape(patches, [-1, kh * kw * c]), reshape(transpose(weight, [2, 3, 1, 0]), [-1, out]))
  return reshape(product, [b, rows, columns, out])
}

/** Otherwise: for each kernel position, the shifted image times that slice of the weight, summed. */
function shiftedProducts(x: Value, weight: Value, { stride, padding }: { stride: number; padding: number }): Value {
  const [b, h, w, c] = x.shape as [number, number, number, number]
  const [, , kh, kw] = weight.shape as [number, number, number, number]
  const [rows, columns] = [h, w].map((size, i) => Math.floor((size + 2 * padding - [kh, kw][i]) / stride) + 1)
  // To whole strides, so that every one of the kernel's places reads one phase of them.
  const after = [h, w].map(
    (size, i) => stride * (Math.floor(([kh, kw][i] - 1) / stride) + [rows, columns][i]) - size - padding
  )
  const padded = pad(cropped(x, after), {
    before: [0, padding, padding, 0],
    after: [0, ...after.map(n => Math.max(0, n)), 0]
  })
  const kernel = transpose(weight, [2, 3, 1, 0]) // [kh, kw, in / groups, out]
  let total: Value | undefined
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const shifted = strided(strided(padded, 1, { start: i, size: rows, stride }), 2, {
        start: j,
        size: columns,
        stride
      })
      const tap = slice(slice(kernel, 0, { start: i, size: 1 }), 1, { start: j, size: 1 })
      const product = channelProduct(reshape(shifted, [-1, c]), reshape(tap, tap.shape.slice(2)))
      total = total ? add(total, product) : product
    }
  }
  return reshape(total!, [b, rows, columns, weight.shape[0]])
}

/** `size` elements from `start` along one axis, `stride` apart; the axis is whole strides long. */
function strided(
  x: Value,
  axis: number,
  { start, size, stride }: { start: number; size: number; stride: number }
): Value {
  if (stride === 1) return slice(x, axis, { start, size })
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)]
  const phases = reshape(x, [...before, x.shape[axis] / stride, stride, ...after])
  const phase = slice(phases, axis + 1, { start: start % stride, size: 1 })
  return reshape(slice(phase, axis, { start: Math.floor(start / stride), size }), [...before, size, ...after])
}

/** What no kernel reaches at the far end is left out. */
const cropped = (x: Value, after: readonly number[]): Value =>
  after.reduce((y, n, i) => (n < 0 ? slice(y, i + 1, { start: 0, size: y.shape[i + 1] + n }) : y), x)

/** Rows [N, in] times [in / groups, out], group by group: [N, out]. */
function channelProduct(rows: Value, tap: Value): Value {
  const [n, channels] = rows.shape
  const [each, out] = tap.shape
  const groups = channels / each
  if (groups === 1) return matmul(rows, tap)
  if (each === 1 && out === channels) return mul(rows, tap)
  const grouped = transpose(reshape(rows, [n, groups, each]), [1, 0, 2])
  const taps = transpose(reshape(tap, [each, groups, out / groups]), [1, 0, 2])
  return reshape(transpose(matmul(grouped, taps), [1, 0, 2]), [n, out])
}
