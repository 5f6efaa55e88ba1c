import type { MultiPolygon } from '@sam/core'
import type { Position } from '@sam/core/model'
import type { AnnotatedImage } from './annotated-image.js'
import type { WriteOptions } from './format.js'
import { simplifyTogether } from './simplify-together.js'

/**
 * The outlines that `writeAnnotations` writes with these options in formats of polygons: one for each object of the
 * image, in their order, in pixels of the image.
 */
export function outlines(
  { objects, width, height }: Pick<AnnotatedImage, 'objects' | 'width' | 'height'>,
  { simplify = 0, smooth = false }: Pick<WriteOptions, 'simplify' | 'smooth'> = {}
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
