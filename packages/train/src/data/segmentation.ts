import type { CocoRle } from '@sam/core'
import { decodeRle, rasterize } from '@sam/core/model'
import type { Sample, Truth } from './dataset.js'
import { checkProportions, frameSize, uprightMask, type Photo, type Size } from './label-frame.js'
import { checkMaskMemory } from './limits.js'
import { isUnfit } from './check-sample.js'
import { unfit } from './unfit.js'

/** An annotation of COCO or SA-1B. */
export interface Annotation {
  readonly segmentation: unknown
  readonly caption?: string | undefined
}

/**
 * The masks of annotations. One without a usable mask costs that annotation alone: the reason is in `skipped`.
 * `labelled` is the size of the image that the annotations state.
 */
export function truthsOf(
  annotations: readonly Annotation[],
  { photo, labelled, path }: { readonly photo: Photo; readonly labelled: Size | undefined; readonly path: string }
): Pick<Sample, 'truths' | 'skipped'> {
  checkMaskMemory(path, { count: annotations.length, ...photo.image })
  return usable(annotations, ({ segmentation, caption }) => ({
    mask: segmentationMask(segmentation, { photo, labelled, path }),
    ...(caption !== undefined && { caption })
  }))
}

/** Collects the truths of items; an item that throws `InputError` is skipped, with its message. */
export function usable<T>(items: readonly T[], read: (item: T) => Truth): Required<Pick<Sample, 'truths' | 'skipped'>> {
  const [truths, skipped]: [Truth[], string[]] = [[], []]
  for (const item of items) {
    try {
      truths.push(read(item))
    } catch (error) {
      if (!isUnfit(error)) throw error
      skipped.push(error.message)
    }
  }
  return { truths, skipped }
}

/** The size that an image entry states; undefined where it states none. */
export function sizeIn(entry: Record<string, unknown> | null | undefined): Size | undefined {
  const { width, height } = entry ?? {}
  const isSide = (side: unknown): side is number => Number.isInteger(side) && (side as number) > 0
  return isSide(width) && isSide(height) ? { width, height } : undefined
}

/**
 * A mask of COCO or SA-1B, of its upright photo: run lengths (compressed or not) or a list of polygons
 * [x, y, x, y, …]. Polygons are scaled from the size that the annotations state, run lengths from their own; parts of
 * one or two points have no area and are left out, as pycocotools does. Throws `InputError` `E_BAD_IMAGE` where it is
 * neither, of other proportions than its image, or empty.
 */
export function segmentationMask(
  segmentation: unknown,
  { photo, labelled, path }: { readonly photo: Photo; readonly labelled: Size | undefined; readonly path: string }
): Truth['mask'] {
  const mask = Array.isArray(segmentation)
    ? uprightMask(photo, polygonMask(segmentation, { photo, labelled, path }))
    : uprightMask(photo, rleMask(segmentation, { photo, path }))
  if (!mask.includes(1)) throw unfit(path, 'a mask must have pixels inside, found none')
  return mask
}

function polygonMask(
  parts: readonly unknown[],
  { photo, labelled, path }: { photo: Photo; labelled: Size | undefined; path: string }
): ReturnType<typeof rasterize> {
  const size = frameSize(photo)
  if (labelled) checkProportions(photo, labelled, path)
  const [sx, sy] = labelled ? [size.width / labelled.width, size.height / labelled.height] : [1, 1]
  const rings = parts.map(part => {
    if (!Array.isArray(part) || part.length % 2 || !part.every(Number.isFinite))
      throw unfit(path, 'a polygon must be a list of x, y, found an odd number of values or values that are no numbers')
    return Array.from({ length: part.length / 2 }, (_, i) => [sx * part[2 * i], sy * part[2 * i + 1]] as const)
  })
  const areas = rings.filter(ring => ring.length >= 3)
  if (!areas.length) throw unfit(path, 'a mask must have a polygon of at least three x, y, found none')
  const isOutside = ([x, y]: readonly [number, number]): boolean =>
    x < -1 || y < -1 || x > size.width + 1 || y > size.height + 1
  if (!labelled && areas.some(ring => ring.some(isOutside)))
    throw unfit(
      path,
      `polygons must lie in their ${photo.frame} image of ${size.width} × ${size.height} pixels where no width and ` +
        'height are stated; state those of the image that they were drawn on'
    )
  return rasterize(
    areas.map(ring => [ring.map(([x, y]) => [x, y] as [number, number])]),
    size
  )
}

function rleMask(rle: unknown, { photo, path }: { photo: Photo; path: string }): ReturnType<typeof decodeRle> {
  // Checked before anything of that size is allocated.
  const size = (rle as CocoRle | null | undefined)?.size as unknown
  const labelled = Array.isArray(size) ? sizeIn({ height: size[0] as unknown, width: size[1] as unknown }) : undefined
  if (labelled) checkProportions(photo, labelled, path)
  try {
    return decodeRle(rle as CocoRle)
  } catch (cause) {
    throw unfit(path, (cause as Error).message, cause)
  }
}
