import { failAt } from './fail.js'
import { rankLimit } from './limits.js'
import { narrowF16, widenBf16, widenF16 } from '../tensor/half.js'
import { formatShape, type Shape } from '../tensor/shape.js'

/** Element types a checkpoint stores, by safetensors' names. Always little-endian, row-major. */
export type StoredDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL'

/** Bytes of one element. */
export const storedBytes: Readonly<Record<StoredDType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1
}

export const isStoredDType = (name: unknown): name is StoredDType =>
  typeof name === 'string' && Object.hasOwn(storedBytes, name)

/**
 * Bytes of a tensor, with every size and product checked against what a double counts exactly.
 * Throws `E_WEIGHTS_FORMAT`; `where` begins its message.
 */
export function storedLength(dtype: StoredDType, shape: Shape, where: string): number {
  if (shape.length > rankLimit)
    failAt(where)(`a tensor must have at most ${rankLimit} dimensions, found ${shape.length}`)
  let bytes = storedBytes[dtype]
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      failAt(where)(`shape must be sizes of 0 or more, found ${formatShape(shape)}`)
    bytes *= size
    if (bytes > Number.MAX_SAFE_INTEGER) failAt(where)(`shape ${formatShape(shape)} is too large`)
  }
  return bytes
}

/**
 * Stored bytes as f32. Halves widen exactly; f64 and integers round to the nearest f32. `bytes` starts its own buffer.
 */
export function toF32(dtype: StoredDType, { buffer }: Uint8Array<ArrayBuffer>): Float32Array {
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer)
    case 'F64':
      return Float32Array.from(new Float64Array(buffer))
    case 'F16':
      return widenF16(new Uint16Array(buffer))
    case 'BF16':
      return widenBf16(new Uint16Array(buffer))
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number)
    case 'I32':
      return Float32Array.from(new Int32Array(buffer))
    case 'I16':
      return Float32Array.from(new Int16Array(buffer))
    case 'I8':
      return Float32Array.from(new Int8Array(buffer))
    case 'U8':
    case 'BOOL':
      return Float32Array.from(new Uint8Array(buffer))
  }
}

/** f32 as stored bytes: halves round to nearest even, integers truncate towards zero, BOOL is 1 where not zero. */
export function fromF32(dtype: StoredDType, values: Float32Array): Uint8Array<ArrayBuffer> {
  return bytesOf(narrow(dtype, values))
}

function narrow(dtype: StoredDType, values: Float32Array): ArrayBufferView {
  switch (dtype) {
    case 'F32':
      return values
    case 'F64':
      return Float64Array.from(values)
    case 'F16':
      return narrowF16(values)
    case 'BF16':
      return narrowBf16(values)
    case 'I64':
      return BigInt64Array.from(Array.from(values, x => BigInt(Number.isFinite(x) ? Math.trunc(x) : 0)))
    case 'I32':
      return Int32Array.from(values)
    case 'I16':
      return Int16Array.from(values)
    case 'I8':
      return Int8Array.from(values)
    case 'U8':
      return Uint8Array.from(values)
    case 'BOOL':
      return Uint8Array.from(values, x => (x === 0 ? 0 : 1))
  }
}

/** A view's bytes, in a buffer of their own. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength))

/** Rounds f32 to bfloat16 bits, to nearest even; a NaN stays one. */
function narrowBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.slice().buffer)
  return Uint16Array.from(bits, b =>
    (b & 0x7fffffff) > 0x7f800000 ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16
  )
}
