import { GraphError } from '../../errors.js'
import { constant, describe, type Composite, type Value } from '../../ir/value.js'
import { bilinearTaps, tapsMatrix } from '../../tensor/interpolate.js'
import { f32 } from '../../tensor/tensor.js'
import { compose, matmul, swap } from '../build.js'

export const resizeBilinearComposite: Composite = {
  name: 'resizeBilinear',
  decompose([x], { height, width }) {
    const [h, w] = x.shape.slice(-2) as [number, number]
    return matmul(matmul(interpolation(h, height as number), x), swap(interpolation(w, width as number)))
  }
}

/**
 * Bilinear resize of the last two axes, half-pixel centres, no antialiasing: torch's `interpolate(mode='bilinear',
 * align_corners=False)`.
 */
export function resizeBilinear(x: Value, [height, width]: readonly [number, number]): Value {
  if (x.shape.length < 2 || height < 1 || width < 1)
    throw new GraphError(
      `resizeBilinear: must have [..., H, W] and a size of at least 1×1, found ${describe(x)} to ${height}×${width}`
    )
  return compose(resizeBilinearComposite, [x], { height, width })
}

/**
 * The resize of one axis as a matrix with two non-zeros per row. As a matrix product it needs no gradient rule of its
 * own.
 */
const interpolation = (from: number, to: number): Value => constant(f32([to, from], tapsMatrix(bilinearTaps(from, to))))
