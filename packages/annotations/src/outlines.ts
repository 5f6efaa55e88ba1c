import type { MultiPolygon } from '@sam/core'
import type { Position } from '@sam/core/model'
import type { AnnotatedImage } from './annotated-image.js'
import type { WriteOptions } from './format.js'
import { simplifyTogether } from './simplify-together.js'

/** The outlines of the objects of an image, in their order. */
export function outlines(
  { objects, width, height }: AnnotatedImage,
  { simplify = 0, smooth = false }: WriteOptions
): readonly MultiPolygon[] {
  if (smooth)
    return objects.map(({ mask }) =>
      mask.toPolygons({ smooth, simplify }).map(rings => rings.map(ring => ring.map(hundredths)))
    )
  const exact = objects.map(({ mask }) => mask.toPolygons())
  if (simplify === 0) return exact
  const overlap = (i: number, k: number): boolean => objects[i].mask.sharedArea(objects[k].mask) > 0
  return simplifyTogether(exact, { tolerance: simplify, width, height, overlap })
}

const hundredths = ([x, y]: Position): Position => [rounded(x, 2), rounded(y, 2)]

/** A number with at most `digits` digits after the point. */
export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))
