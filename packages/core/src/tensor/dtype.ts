/** Element types of a graph's values. Half precision is storage only until the precision pass. */
export type DType = 'f32' | 'f16' | 'i32' | 'bool'

/** Bytes of one element. */
export const bytesPerElement: Readonly<Record<DType, number>> = { f32: 4, f16: 2, i32: 4, bool: 1 }

/** Typed array that holds elements of a type; f16 as raw bits. */
export interface DTypeArrays {
  f32: Float32Array
  f16: Uint16Array
  i32: Int32Array
  bool: Uint8Array
}

export const arrayOf: {
  readonly [D in DType]: { new (length: number): DTypeArrays[D]; from(values: ArrayLike<number>): DTypeArrays[D] }
} = {
  f32: Float32Array,
  f16: Uint16Array,
  i32: Int32Array,
  bool: Uint8Array
}
