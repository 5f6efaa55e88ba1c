import { lengthOf, refuse, unitVector } from '@sam/core/graph'

/** The vector divided by its length. Throws `BackendError` `E_BACKEND_FAILED` if that is 0 or not finite. */
export function normalized(vector: ArrayLike<number>): Float32Array {
  const length = lengthOf(vector)
  if (!(length > 0 && length < Infinity))
    refuse(
      'E_BACKEND_FAILED',
      `an embedding must have a finite length above 0, found ${length}; check that the weights are finite and of this model`
    )
  return unitVector(vector)
}

/** The normalised mean of unit vectors. */
export const average = (vectors: readonly Float32Array[]): Float32Array =>
  vectors.length === 1 ? vectors[0] : normalized(vectors[0].map((_, i) => vectors.reduce((sum, v) => sum + v[i], 0)))
