import type { Bitmap, Point } from '@sam/core'
import { errorRegion } from '../interaction/error-region.js'
import { largestRegion, middleOf } from '../interaction/middle.js'

/** The centre of an object, in pixels of the photo. */
export function firstClick(truth: Bitmap): Point {
  const [x, y] = middleOf(truth)
  return { x, y }
}

/** The centre of the largest error region of a prediction (0 outside); undefined where there is no error. */
export function nextClick(truth: Bitmap, predicted: Uint8Array): Point | undefined {
  const region = largestRegion(errorRegion(predicted, truth))
  if (!region) return undefined
  const [x, y] = middleOf(region)
  return { x, y, label: truth.data[y * truth.width + x] ? 'foreground' : 'background' }
}
