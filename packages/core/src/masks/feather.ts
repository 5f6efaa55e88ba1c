import type { Bitmap } from './bitmap.js'

/**
 * A mask's opacity, 0 … 255, which fades over about `radius` pixels on each side of its outline: two running means
 * along each axis. At the edges of the photo it does not fade.
 */
export function feathered({ width, height, data }: Bitmap, radius: number): Uint8Array {
  const opaque = data.map(inside => (inside ? 255 : 0))
  if (radius <= 0) return opaque
  const reach = Math.max(1, Math.round(radius / 2))
  let values = Float32Array.from(opaque)
  for (const axis of [1, 1, width, width]) values = runningMean(values, { width, height, axis, reach })
  return Uint8Array.from(values, Math.round)
}

/** Means over 2 · reach + 1 values along an axis, the distance between neighbours. The first and last value repeat. */
function runningMean(
  values: Float32Array,
  { width, height, axis, reach }: { width: number; height: number; axis: number; reach: number }
): Float32Array<ArrayBuffer> {
  const means = new Float32Array(values.length)
  const [lines, length] = axis === 1 ? [height, width] : [width, height]
  const between = axis === 1 ? width : 1
  for (let line = 0; line < lines; line++) {
    const value = (i: number): number => values[line * between + Math.max(0, Math.min(length - 1, i)) * axis]
    let sum = 0
    for (let i = -reach; i <= reach; i++) sum += value(i)
    for (let i = 0; i < length; i++) {
      means[line * between + i * axis] = sum / (2 * reach + 1)
      sum += value(i + reach + 1) - value(i - reach)
    }
  }
  return means
}
