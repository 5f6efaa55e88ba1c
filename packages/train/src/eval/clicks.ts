import type { Point, Bitmap } from '@sam/core'
import { errorRegion } from '../prompts/error-region.js'
import { largestRegion, middleOf } from '../prompts/middle.js'

/** The middle of an object, in pixels of the photo. */
export function firstClick(truth: Bitmap): Point {
  const [x, y] = middleOf(truth)
  return { x, y }
}

/** The middle of the largest region where a prediction (0 outside) is wrong; undefined where it is nowhere. */
export function nextClick(truth: Bitmap, predicted: Uint8Array): Point | undefined {
  const region = largestRegion(errorRegion(predicted, truth))
  if (!region) return undefined
  const [x, y] = middleOf(region)
  return { x, y, label: truth.data[y * truth.width + x] ? 'foreground' : 'background' }
}
