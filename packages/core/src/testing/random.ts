import { arrayOf, type DType } from '../tensor/dtype.js'
import { numberToF16 } from '../tensor/half.js'
import { sizeOf, type Shape } from '../tensor/shape.js'
import type { HostTensor } from '../tensor/tensor.js'

export interface RandomOptions<D extends DType = DType> {
  /** The same seed gives the same numbers, on any machine. */
  readonly seed: number
  /** Default f32. Integers are uniform in the range; bools are fair coin flips. */
  readonly dtype?: D
  /** Low (inclusive) and high (exclusive). Default: [−1, 1). */
  readonly range?: readonly [number, number]
}

/** A tensor of reproducible, uniformly distributed numbers. */
export function randomTensor<D extends DType = 'f32'>(
  shape: Shape,
  { seed, dtype = 'f32' as D, range: [low, high] = [-1, 1] }: RandomOptions<D>
): HostTensor<D> {
  const next = generator(seed)
  const sample: Record<DType, () => number> = {
    f32: () => low + (high - low) * next(),
    f16: () => numberToF16(low + (high - low) * next()),
    i32: () => Math.floor(low + (high - low) * next()),
    bool: () => (next() < 0.5 ? 0 : 1)
  }
  const data = new arrayOf[dtype](sizeOf(shape))
  for (let i = 0; i < data.length; i++) data[i] = sample[dtype]()
  return { dtype, shape, data }
}

/** Uniform numbers in [0, 1): mulberry32, with 32 bits of state. */
export function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
