import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { add, compose, matmul, reshape, transpose } from '../build.js'

export const convTranspose2dComposite: Composite = {
  name: 'convTranspose2d',
  decompose([x, weight, bias]) {
    const [b, h, w, c] = x.shape as [number, number, number, number]
    const [, out, kh, kw] = weight.shape as [number, number, number, number]
    // Transpose the small weight, so that the large result is moved in contiguous rows of channels.
    const product = matmul(reshape(x, [-1, c]), reshape(transpose(weight, [0, 2, 3, 1]), [c, -1])) // each pixel becomes a kh × kw tile
    const tiles = transpose(reshape(product, [b, h, w, kh, kw, out]), [0, 1, 3, 2, 4, 5])
    return add(reshape(tiles, [b, h * kh, w * kw, out]), reshape(bias, [1, 1, 1, out]))
  }
}

/**
 * Transposed 2-D convolution with stride = kernel, so that tiles do not overlap; channels last: [B,H,W,in] →
 * [B,H·kh,W·kw,out]. Weight [in, out, kh, kw] and bias [out], as PyTorch stores them.
 */
export function convTranspose2d(x: Value, [weight, bias]: readonly [Value, Value]): Value {
  if (x.shape.length !== 4 || weight.shape.length !== 4 || x.shape[3] !== weight.shape[0]) {
    throw new GraphError(
      `convTranspose2d: x must be [B,H,W,in] and the weight [in,out,kh,kw], found ${describe(x)} and ${describe(weight)}`
    )
  }
  return compose(convTranspose2dComposite, [x, weight, bias], {})
}
