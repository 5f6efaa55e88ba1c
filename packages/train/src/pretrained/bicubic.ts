import type { Taps } from '@sam/core/graph'

/** Sharpness of the kernel; PyTorch's. */
const a = -0.75

/**
 * The taps of a bicubic resize with half-pixel centres, borders replicated: torch's `interpolate(mode='bicubic',
 * align_corners=False)`, as the public MAE and ViTDet code resize position embeddings. For `applyTaps`.
 */
export function bicubicTaps(inSize: number, outSize: number): Taps {
  const width = Math.min(4, inSize)
  const taps = {
    inSize,
    outSize,
    width,
    first: new Int32Array(outSize),
    count: new Int32Array(outSize),
    weights: new Float64Array(outSize * width)
  }
  for (let i = 0; i < outSize; i++) {
    const source = ((i + 0.5) * inSize) / outSize - 0.5
    const left = Math.floor(source) - 1
    const inside = (at: number): number => Math.max(0, Math.min(inSize - 1, at))
    taps.first[i] = inside(left)
    taps.count[i] = inside(left + 3) - taps.first[i] + 1
    for (let k = left; k < left + 4; k++)
      taps.weights[i * width + inside(k) - taps.first[i]] += kernel(Math.abs(source - k))
  }
  return taps
}

/** Keys' cubic convolution at a distance of 0 … 2. */
const kernel = (x: number): number =>
  x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
