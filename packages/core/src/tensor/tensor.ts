import { arrayOf, type DType, type DTypeArrays } from './dtype.js'
import { formatShape, sizeOf, type Shape } from './shape.js'
import { GraphError } from '../errors.js'

/** A dense, row-major tensor in host memory. */
export interface HostTensor<D extends DType = DType> {
  readonly dtype: D
  readonly shape: Shape
  readonly data: DTypeArrays[D]
}

/** A tensor over existing data. Throws `GraphError` if shape and length disagree. */
export function tensor<D extends DType>(
  dtype: D,
  shape: Shape,
  data: DTypeArrays[D] | ArrayLike<number>
): HostTensor<D> {
  if (data.length !== sizeOf(shape))
    throw new GraphError(`tensor: ${formatShape(shape)} must have ${sizeOf(shape)} elements, found ${data.length}`)
  const typed = data instanceof arrayOf[dtype] ? data : arrayOf[dtype].from(data)
  return { dtype, shape, data: typed }
}

/** An f32 tensor, the most common type in SAM. */
export const f32 = (shape: Shape, data: Float32Array | ArrayLike<number>): HostTensor<'f32'> =>
  tensor('f32', shape, data)

/** A tensor of one repeated value. */
export function full<D extends DType>(dtype: D, shape: Shape, value: number): HostTensor<D> {
  const data = new arrayOf[dtype](sizeOf(shape))
  data.fill(value)
  return { dtype, shape, data }
}
