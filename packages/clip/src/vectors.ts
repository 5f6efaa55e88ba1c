import { lengthOf, refuse, unitVector } from '@sam/core/graph'

/** The vector divided by its length. Throws `BackendError` `E_BACKEND_FAILED` where it has none. */
export function normalized(vector: ArrayLike<number>): Float32Array {
  const length = lengthOf(vector)
  if (!(length > 0 && length < Infinity))
    refuse(
      'E_BACKEND_FAILED',
      `an embedding must have a length, found ${length}; are the weights of this model, and finite?`
    )
  return unitVector(vector)
}

/** The middle of unit vectors, as a unit vector again. */
export const average = (vectors: readonly Float32Array[]): Float32Array =>
  vectors.length === 1 ? vectors[0] : normalized(vectors[0].map((_, i) => vectors.reduce((sum, v) => sum + v[i], 0)))
