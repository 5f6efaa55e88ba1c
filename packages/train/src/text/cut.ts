import type { Cut } from '@sam/clip'
import type { Example, Target } from '../example.js'
import type { Bitmap } from '@sam/core'
import type { Random } from '../random.js'
import type { TextRecipe } from '../recipes.js'
import { bareMask } from './bare-mask.js'
import { anyCrop } from './crop-rule.js'

/**
 * How an object is cut out of its example this time, for its crop to be its first prompt: by the recipe's rule, at
 * times without something that lies on it. Paper: D.5.
 */
export function cutOf(
  draw: Random,
  target: Target,
  { photo, targets, crop, bare = 0 }: Pick<Example, 'photo' | 'targets'> & Pick<TextRecipe, 'crop' | 'bare'>
): Cut {
  const maskOf = ({ truth }: Target): Bitmap => ({ width: photo.width, height: photo.height, data: truth.mask })
  return {
    photo,
    rule: anyCrop(draw, crop),
    mask: bareMask(draw, maskOf(target), { others: targets.map(maskOf), probability: bare })
  }
}
