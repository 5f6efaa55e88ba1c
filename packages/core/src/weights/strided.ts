import { failAt } from './fail.js'
import { rangeEntry, type ByteSource, type WeightEntry } from './source.js'
import { storedBytes, storedLength, type StoredDType } from './stored.js'
import { formatShape, type Shape } from '../tensor/shape.js'

/** A view into a storage of `numel` elements, as torch pickles it: offset and strides count elements. */
export interface Strided {
  readonly dtype: StoredDType
  readonly shape: Shape
  readonly offset: number
  readonly strides: readonly number[]
}

/**
 * Checks that a view stays inside its storage and is not larger than it. Throws `E_WEIGHTS_FORMAT`; `where` begins its
 * message.
 */
export function checkStrided({ dtype, shape, offset, strides }: Strided, numel: number, where: string): void {
  const fail = failAt(where)
  const count = storedLength(dtype, shape, where) / storedBytes[dtype]
  if (strides.length !== shape.length)
    fail(`shape ${formatShape(shape)} and strides ${formatShape(strides)} must have one rank`)
  if (![offset, ...strides].every(n => Number.isSafeInteger(n) && n >= 0)) {
    fail(`offset and strides must be 0 or more, found ${offset} and ${formatShape(strides)}`)
  }
  // An expanded view could repeat one element endlessly.
  if (count > numel) fail(`view of ${count} elements is larger than its storage of ${numel}`)
  const outside = count > 0 ? lastIndex({ shape, offset, strides }) >= numel : offset > numel
  if (outside) fail(`view ${formatShape(shape)} at ${offset} leaves its storage of ${numel} elements`)
}

/** Whether the elements lie in row-major order without gaps. */
export function isContiguous({ shape, strides }: Pick<Strided, 'shape' | 'strides'>): boolean {
  let next = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 0) return true
    if (shape[axis] === 1) continue
    if (strides[axis] !== next) return false
    next *= shape[axis]
  }
  return true
}

/** Index in the storage of the last element of a view that has any. */
export const lastIndex = ({ shape, offset, strides }: Omit<Strided, 'dtype'>): number =>
  shape.reduce((index, size, axis) => index + (size - 1) * strides[axis], offset)

/** Copies a view row-major out of the bytes of its storage that begin at element `offset`. */
export function gather({ dtype, shape, strides }: Strided, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const width = storedBytes[dtype]
  const out = new Uint8Array(storedLength(dtype, shape, 'view'))
  const index = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < out.length; to += width) {
    for (let byte = 0; byte < width; byte++) out[to + byte] = bytes[from * width + byte]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++index[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      index[axis] = 0
    }
  }
  return out
}

/**
 * An entry whose elements lie as a view whose first one is at byte `start` of a file; gathered where they have gaps.
 */
export function stridedEntry(
  source: ByteSource,
  name: string,
  view: Strided & { readonly start: number }
): WeightEntry {
  const { dtype, shape, start } = view
  const info = { name, dtype, shape: [...shape] }
  if (isContiguous(view)) return rangeEntry(source, info, start)
  const span = (lastIndex(view) - view.offset + 1) * storedBytes[dtype]
  return { ...info, bytes: async stop => gather(view, await source.read(start, span, stop)) }
}
