import type { Bitmap } from '@sam/core'
import type { Rng } from '@sam/rng'
import { pointInMask } from './points.js'

export interface Click {
  readonly x: number
  readonly y: number
  readonly foreground: boolean
}

/** 1 where prediction and truth differ. */
function errorRegion(logits: ArrayLike<number>, truth: Bitmap): Bitmap {
  const data = new Uint8Array(truth.data.length)
  for (let i = 0; i < data.length; i++) data[i] = logits[i] > 0 !== truth.data[i] > 0 ? 1 : 0
  return { width: truth.width, height: truth.height, data }
}

/**
 * A uniform random point of the error region between a prediction (logits, thresholded at 0) and the truth: foreground
 * where the prediction misses, background where it is a false positive. Without an error, a uniform random point of the
 * truth. Paper: Appendix A, "Training algorithm".
 */
export function clickOnError(rng: Rng, logits: ArrayLike<number>, truth: Bitmap): Click | undefined {
  const error = pointInMask(rng, errorRegion(logits, truth))
  const [x, y] = error ?? pointInMask(rng, truth) ?? []
  return x === undefined || y === undefined ? undefined : { x, y, foreground: truth.data[y * truth.width + x] > 0 }
}
