/** The vector divided by its Euclidean length; a zero vector is unchanged. */
export function unitVector(vector: ArrayLike<number>): Float32Array {
  const length = lengthOf(vector) || 1
  return Float32Array.from(vector, x => x / length)
}

/** The Euclidean length of a vector. */
export function lengthOf(vector: ArrayLike<number>): number {
  let squares = 0
  for (let i = 0; i < vector.length; i++) squares += vector[i] ** 2
  return Math.sqrt(squares)
}
