import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { add, compose, matmul, pad, reshape, slice, transpose } from '../build.js'

export const conv2dComposite: Composite = {
  name: 'conv2d',
  decompose([x, weight, bias], { stride, padding }) {
    const [out, , kh, kw] = weight.shape as [number, number, number, number]
    const y =
      stride === kh && stride === kw && padding === 0
        ? patchProduct(x, weight)
        : shiftedProducts(x, weight, { stride: stride as number, padding: padding as number })
    return bias ? add(y, reshape(bias, [1, 1, 1, out])) : y
  }
}

export interface ConvOptions {
  readonly stride?: number
  /** Zeros around every side. */
  readonly padding?: number
}

/**
 * 2-D convolution, channels last: [B,H,W,in] → [B,H',W',out]. Weight [out, in, kh, kw] and bias [out], as PyTorch
 * stores them.
 */
export function conv2d(
  x: Value,
  [weight, bias]: readonly [Value, Value?],
  { stride = 1, padding = 0 }: ConvOptions = {}
): Value {
  if (x.shape.length !== 4 || weight.shape.length !== 4 || x.shape[3] !== weight.shape[1]) {
    throw new GraphError(
      `conv2d: x must be [B,H,W,in] and the weight [out,in,kh,kw], found ${describe(x)} and ${describe(weight)}`
    )
  }
  return compose(conv2dComposite, bias ? [x, weight, bias] : [x, weight], { stride, padding })
}

/** Kernel = stride: the image splits into patches, and the convolution is one product. */
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
  if (stride !== 1)
    throw new GraphError(`conv2d: stride must be 1 or the kernel's size, found ${stride} with ${describe(weight)}`)
  const border = [0, padding, padding, 0]
  const padded = pad(x, { before: border, after: border })
  const [b, h, w, c] = padded.shape as [number, number, number, number]
  const [out, , kh, kw] = weight.shape as [number, number, number, number]
  const [rows, columns] = [h - kh + 1, w - kw + 1]
  const kernel = transpose(weight, [2, 3, 1, 0]) // [kh, kw, in, out]
  let total: Value | undefined
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const shifted = slice(slice(padded, 1, { start: i, size: rows }), 2, { start: j, size: columns })
      const tap = reshape(slice(slice(kernel, 0, { start: i, size: 1 }), 1, { start: j, size: 1 }), [c, out])
      const product = matmul(reshape(shifted, [-1, c]), tap)
      total = total ? add(total, product) : product
    }
  }
  return reshape(total!, [b, rows, columns, out])
}
