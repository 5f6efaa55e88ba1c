import { InputError } from '../errors.js'
import { formatShape, sizeOf, type Shape } from '../tensor/shape.js'
import type { HostTensor } from '../tensor/tensor.js'

/** A contiguous range of a tensor's elements, in row-major order. */
export interface Part {
  readonly start: number
  readonly length: number
}

/** Throws `InputError` `E_BAD_OPTION` unless the part consists of integers and is within a tensor of this shape. */
export function checkPart({ start, length }: Part, shape: Shape): void {
  if (
    Number.isInteger(start) &&
    Number.isInteger(length) &&
    start >= 0 &&
    length >= 0 &&
    start + length <= sizeOf(shape)
  )
    return
  throw new InputError(
    'E_BAD_OPTION',
    `read: a part must lie inside ${formatShape(shape)}, ${sizeOf(shape)} elements; found ${length} from ${start}`
  )
}

/**
 * Copies a part of a tensor, with shape [length]: for backends whose tensors are in host memory. Throws what
 * `checkPart` throws.
 */
export function partOf({ dtype, shape, data }: HostTensor, part: Part): HostTensor {
  checkPart(part, shape)
  return { dtype, shape: [part.length], data: data.slice(part.start, part.start + part.length) }
}
