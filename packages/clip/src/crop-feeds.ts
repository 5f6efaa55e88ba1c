import type { Bitmap, RgbImage } from '@sam/core'
import { f32, type HostTensor } from '@sam/core/graph'
import { cropObject, normalizeInto, type CropRule } from './crop.js'
import { patchGrid, type ClipConfig } from './graph/config.js'

/** An object of a photo, and how to crop it. */
export interface Cut {
  readonly photo: RgbImage
  readonly mask: Bitmap
  readonly rule: CropRule
}

/** Crops of objects, as inputs of `encodeCrops` with `masked`. */
export interface CropFeeds {
  /** f32[crops,3,S,S], normalised. */
  readonly pixel_values: HostTensor<'f32'>
  /** f32[crops,g²]: 1 if the patch touches the object. */
  readonly mask_patches: HostTensor<'f32'>
}

/**
 * Crops objects for a CLIP. Throws `InputError` `E_BAD_PROMPT` for a mask that is empty or of another size than its
 * photo.
 */
export function cropFeeds(cuts: readonly Cut[], { vision }: Pick<ClipConfig, 'vision'>): CropFeeds {
  const [size, grid, crops] = [vision.imageSize, patchGrid(vision), cuts.length]
  const [pixels, patches] = [new Float32Array(crops * 3 * size * size), new Float32Array(crops * grid * grid)]
  for (const [i, { photo, mask, rule }] of cuts.entries()) {
    const crop = cropObject(photo, mask, { ...rule, size, grid })
    normalizeInto(pixels, i * 3 * size * size, crop.picture)
    patches.set(crop.patches, i * grid * grid)
  }
  return { pixel_values: f32([crops, 3, size, size], pixels), mask_patches: f32([crops, grid * grid], patches) }
}
