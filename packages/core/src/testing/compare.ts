import { formatShape, sameShape } from '../tensor/shape.js'
import type { Exact } from '../reference/exact.js'
import type { HostTensor } from '../tensor/tensor.js'

/** The difference of two lists of numbers. */
export interface Difference {
  /**
   * Largest absolute difference over max(1, largest finite expected magnitude); Infinity if only one is NaN or
   * infinite, or if lengths differ.
   */
  readonly error: number
  /** The first index whose own difference is over the tolerance, or −1. */
  readonly firstBad: number
}

/**
 * Compares numbers relative to the largest expected one, which bounds the f32 rounding errors of sums.
 */
export function difference(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 0): Difference {
  if (found.length !== expected.length) return { error: Infinity, firstBad: Math.min(found.length, expected.length) }
  let scale = 1
  for (let i = 0; i < expected.length; i++)
    if (Number.isFinite(expected[i])) scale = Math.max(scale, Math.abs(expected[i]))
  let [error, firstBad] = [0, -1]
  for (let i = 0; i < expected.length; i++) {
    const [f, e] = [found[i], expected[i]]
    if (Object.is(f, e) || f === e) continue
    const distance = Number.isFinite(f) && Number.isFinite(e) ? Math.abs(f - e) / scale : Infinity
    if (distance > error) error = distance
    if (firstBad < 0 && distance > tolerance) firstBad = i
  }
  return { error, firstBad }
}

/** Largest absolute difference relative to max(1, largest expected magnitude). */
export const maxError = (found: ArrayLike<number>, expected: ArrayLike<number>): number =>
  difference(found, expected).error

/** Whether every difference is within `tolerance` times max(1, largest expected magnitude). */
export const allClose = (found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): boolean =>
  maxError(found, expected) <= tolerance

/**
 * Describes the error of a computed tensor in one line; undefined if it is correct. Integers and booleans are exact.
 */
export function mistake(found: HostTensor, expected: Exact, tolerance: number): string | undefined {
  if (found.dtype !== expected.dtype || !sameShape(found.shape, expected.shape)) {
    return `must be ${expected.dtype}${formatShape(expected.shape)}, found ${found.dtype}${formatShape(found.shape)}`
  }
  const allowed = expected.dtype === 'i32' || expected.dtype === 'bool' ? 0 : tolerance
  const { error, firstBad } = difference(found.data, expected.data, allowed)
  if (firstBad < 0) return undefined
  return `max error ${error.toPrecision(3)} is over ${allowed}; first at [${placeOf(firstBad, found.shape)}]: expected ${expected.data[firstBad]}, found ${found.data[firstBad]}`
}

/** Coordinates of a flat index. */
function placeOf(flat: number, shape: readonly number[]): number[] {
  const place: number[] = []
  for (const size of [...shape].reverse()) {
    place.unshift(flat % size)
    flat = Math.floor(flat / size)
  }
  return place
}
