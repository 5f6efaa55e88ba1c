import type { Emit } from '../builder.js'
import * as write from './write.js'
import { expand, reshape, transpose } from './write.js'

/**
 * One Gemm over the flattened rows. The weight stays [out, in], as in the checkpoint; or a product of integers if it is
 * quantized.
 */
export const linear: Emit = (to, y) => {
  const [x, weight, bias] = y.inputs
  const rows = reshape(to, to.of(x), [-1, x.shape.at(-1)!])
  const added = bias ? [to.of(bias)] : []
  const quantized = to.quantized(weight)
  const [b, scale, zero = ''] = quantized ?? []
  const product = quantized
    ? to.node('com.microsoft.DynamicQuantizeMatMul', [rows, b, scale, ...(zero || bias ? [zero] : []), ...added])
    : to.node('Gemm', [rows, to.of(weight), ...added], { transB: 1 })
  return reshape(to, product, y.shape)
}

/** ONNX normalises all axes from a given one on, so any axis but the last is transposed to the end and back. */
export const layerNorm: Emit = (to, y) => {
  if (to.opset < 17) return to.of(y.composite!.decompose(y.inputs, y.attrs))
  const [x, weight, bias] = y.inputs
  const { axis, eps } = y.attrs as { axis: number; eps: number }
  const rank = y.shape.length
  const last = [...Array(rank).keys()].filter(i => i !== axis).concat(axis)
  const normalised = (name: string): string =>
    to.node('LayerNormalization', [name, to.of(weight), to.of(bias)], { axis: -1, epsilon: eps })
  if (axis === rank - 1) return normalised(to.of(x))
  return transpose(
    to,
    normalised(transpose(to, to.of(x), last)),
    last.map((_, i) => last.indexOf(i))
  )
}

/**
 * One Gemm maps each pixel to a tile. Transposing the small weight makes the large transpose move contiguous rows of
 * channels.
 */
export const convTranspose2d: Emit = (to, y) => {
  const [x, weight, bias] = y.inputs
  const [b, h, w, c] = x.shape as [number, number, number, number]
  const [, out, kh, kw] = weight.shape as [number, number, number, number]
  const matrix = reshape(to, transpose(to, to.of(weight), [0, 2, 3, 1]), [c, kh * kw * out])
  const offsets = reshape(to, expand(to, to.of(bias), [kh * kw, out]), [kh * kw * out])
  const tiles = reshape(to, to.node('Gemm', [reshape(to, to.of(x), [-1, c]), matrix, offsets]), [b, h, w, kh, kw, out])
  return reshape(to, transpose(to, tiles, [0, 1, 3, 2, 4, 5]), y.shape)
}

export const gelu: Emit = (to, y) => write.gelu(to, to.of(y.inputs[0]))

export const resizeBilinear: Emit = (to, y) => {
  const [x] = y.inputs
  const [h, w] = x.shape.slice(-2) as [number, number]
  const [height, width] = y.shape.slice(-2) as [number, number]
  const planes = x.shape.slice(0, -2).reduce((n, d) => n * d, 1)
  const attrs = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }
  const resized = to.node(
    'Resize',
    [reshape(to, to.of(x), [1, planes, h, w]), '', '', to.ints([1, planes, height, width])],
    attrs
  )
  return reshape(to, resized, y.shape)
}
