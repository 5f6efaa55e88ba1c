/**
 * A linear map along one axis, kept sparse: output `i` is the weighted sum of the inputs `first[i] … first[i] +
 * count[i] − 1`, with the weights `weights[i * width + k]`. Each run of inputs lies within 0 … inSize − 1.
 */
export interface Taps {
  readonly inSize: number
  readonly outSize: number
  /** Maximum number of taps per output: the row length of `weights`. */
  readonly width: number
  readonly first: Int32Array
  readonly count: Int32Array
  readonly weights: Float64Array
}

export interface BilinearOptions {
  /** Widen the triangle filter when downsampling, so that every input pixel contributes. Default false. */
  readonly antialias?: boolean
}

/**
 * The taps of a bilinear resize with half-pixel centres.
 * Without `antialias`, torch's `interpolate(mode='bilinear', align_corners=False)`; with it, Pillow's triangle filter
 * (`precompute_coeffs` in Resample.c), whose weights are normalised at the border.
 */
export const bilinearTaps = (inSize: number, outSize: number, { antialias = false }: BilinearOptions = {}): Taps =>
  antialias ? triangleTaps(inSize, outSize) : linearTaps(inSize, outSize)

function linearTaps(inSize: number, outSize: number): Taps {
  const taps = emptyTaps(inSize, outSize, Math.min(2, inSize))
  for (let i = 0; i < outSize; i++) {
    const source = Math.max(0, (i + 0.5) * (inSize / outSize) - 0.5)
    const first = Math.min(Math.floor(source), inSize - 1)
    const second = Math.min(1, inSize - 1 - first)
    const fraction = second * (source - first)
    taps.first[i] = first
    taps.count[i] = 1 + second
    taps.weights[i * taps.width] = 1 - fraction
    if (second) taps.weights[i * taps.width + 1] = fraction
  }
  return taps
}

function triangleTaps(inSize: number, outSize: number): Taps {
  const scale = inSize / outSize
  const support = Math.max(1, scale)
  const taps = emptyTaps(inSize, outSize, Math.min(inSize, 2 * Math.ceil(support) + 1))
  for (let i = 0; i < outSize; i++) {
    const centre = (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(inSize, Math.trunc(centre + support + 0.5)) - first
    const row = taps.weights.subarray(i * taps.width, i * taps.width + count)
    let sum = 0
    for (let k = 0; k < count; k++)
      sum += row[k] = Math.max(0, 1 - Math.abs((k + first - centre + 0.5) * (1 / support)))
    for (let k = 0; k < count; k++) row[k] /= sum
    taps.first[i] = first
    taps.count[i] = count
  }
  return taps
}

/**
 * The composition of `a`, then `b`, as one map. `b` reads the first `b.inSize` outputs of `a`: further ones are
 * cropped, missing ones are zeros. SAM's crop and padding on the right and bottom therefore need no map of their own.
 */
export function composeTaps(a: Taps, b: Taps): Taps {
  const reach = (i: number) => {
    const last = Math.min(b.first[i] + b.count[i], a.outSize) - 1
    return last < b.first[i] ? undefined : { from: a.first[b.first[i]], to: a.first[last] + a.count[last], last }
  }
  let width = 1
  for (let i = 0; i < b.outSize; i++) {
    const r = reach(i)
    if (r) width = Math.max(width, r.to - r.from)
  }
  const taps = emptyTaps(a.inSize, b.outSize, width)
  for (let i = 0; i < b.outSize; i++) {
    const r = reach(i)
    if (!r) continue
    taps.first[i] = r.from
    taps.count[i] = r.to - r.from
    for (let j = b.first[i]; j <= r.last; j++) {
      const weight = b.weights[i * b.width + j - b.first[i]]
      const shift = i * width + a.first[j] - r.from
      for (let k = 0; k < a.count[j]; k++) taps.weights[shift + k] += weight * a.weights[j * a.width + k]
    }
  }
  return taps
}

/** Applies the map along the middle axis of [outer, inSize, inner]; gives [outer, outSize, inner]. */
export function applyTaps(
  taps: Taps,
  data: ArrayLike<number>,
  { outer = 1, inner = 1 }: { outer?: number; inner?: number } = {}
): Float32Array {
  const { inSize, outSize, width, first, count, weights } = taps
  const out = new Float32Array(outer * outSize * inner)
  for (let o = 0, at = 0; o < outer; o++) {
    for (let i = 0; i < outSize; i++) {
      const from = (o * inSize + first[i]) * inner
      for (let j = 0; j < inner; j++) {
        let sum = 0
        for (let k = 0, source = from + j; k < count[i]; k++, source += inner)
          sum += data[source] * weights[i * width + k]
        out[at++] = sum
      }
    }
  }
  return out
}

/** The map as a dense row-major matrix [outSize, inSize]. */
export function tapsMatrix(taps: Taps): Float64Array {
  const matrix = new Float64Array(taps.outSize * taps.inSize)
  for (let i = 0; i < taps.outSize; i++) {
    matrix.set(taps.weights.subarray(i * taps.width, i * taps.width + taps.count[i]), i * taps.inSize + taps.first[i])
  }
  return matrix
}

const emptyTaps = (inSize: number, outSize: number, width: number): Taps => ({
  inSize,
  outSize,
  width,
  first: new Int32Array(outSize),
  count: new Int32Array(outSize),
  weights: new Float64Array(outSize * width)
})
