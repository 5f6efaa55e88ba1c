import { BackendError } from '@sam/core'

/** The vector divided by its length. Throws `BackendError` `E_BACKEND_FAILED` where it has none. */
export function normalized(vector: ArrayLike<number>): Float32Array {
  let squares = 0
  for (let i = 0; i < vector.length; i++) squares += vector[i] ** 2
  const length = Math.sqrt(squares)
  if (!(length > 0 && length < Infinity))
    throw new BackendError(
      'E_BACKEND_FAILED',
      `an embedding must have a length, found ${length}; are the weights of this model, and finite?`
    )
  return Float32Array.from(vector, x => x / length)
}

/** The middle of unit vectors, as a unit vector again. */
export const average = (vectors: readonly Float32Array[]): Float32Array =>
  vectors.length === 1 ? vectors[0] : normalized(vectors[0].map((_, i) => vectors.reduce((sum, v) => sum + v[i], 0)))

/** Lists of at most `size`, in order. */
export const batches = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
