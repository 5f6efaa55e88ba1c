import type { CocoRle } from '@sam/core'
import { decodeRle, rasterize } from '@sam/core/model'
import type { Truth } from './dataset.js'
import { unfit } from './json.js'

interface Size {
  readonly width: number
  readonly height: number
}

/**
 * A mask of COCO or SA-1B: run lengths (compressed or not) or a list of polygons [x, y, x, y, …]. Throws `InputError`
 * `E_BAD_IMAGE` where it is neither, or of another size than its image.
 */
export function segmentationMask(segmentation: unknown, { width, height }: Size, path: string): Truth['mask'] {
  if (Array.isArray(segmentation)) {
    const rings = (segmentation as unknown[]).map(ring => {
      if (!Array.isArray(ring) || ring.length < 6 || ring.length % 2 || !ring.every(Number.isFinite))
        throw unfit(path, 'a polygon must be a list of at least three x, y')
      return [Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i], ring[2 * i + 1]] as [number, number])]
    })
    return rasterize(rings, { width, height }).data
  }
  // Checked before anything of that size is allocated.
  const size = (segmentation as CocoRle | null | undefined)?.size as unknown
  if (Array.isArray(size) && (size[1] !== width || size[0] !== height)) {
    throw unfit(path, `a mask must have its image's ${width} × ${height} pixels, found ${size[1]} × ${size[0]}`)
  }
  try {
    return decodeRle(segmentation as CocoRle).data
  } catch (cause) {
    throw unfit(path, (cause as Error).message, cause)
  }
}
