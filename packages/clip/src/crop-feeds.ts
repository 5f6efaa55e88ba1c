import type { Bitmap, RgbImage } from '@sam/core'
import { f32, type HostTensor } from '@sam/core/graph'
import { cropObject, normalizeInto, type CropRule } from './crop.js'
import { patchGrid, type ClipConfig } from './graph/config.js'

/** An object of a photo, and how it is to be cut out. */
export interface Cut {
  readonly photo: RgbImage
  readonly mask: Bitmap
  readonly rule: CropRule
}

/**
 * Objects as the inputs of `encodeCrops` with `masked`: `pixel_values` f32[images,3,S,S] and `mask_patches` f32[images,g²]. Where there are fewer objects
 * than `images`, the rest is black. Throws `InputError` `E_BAD_PROMPT` for a mask that is empty or of another size than its photo.
 */
export function cropFeeds(cuts: readonly Cut[], { vision }: Pick<ClipConfig, 'vision'>, images = cuts.length): { pixel_values: HostTensor<'f32'>; mask_patches: HostTensor<'f32'> } {
  const [size, grid] = [vision.imageSize, patchGrid(vision)]
  const [pixels, patches] = [new Float32Array(images * 3 * size * size), new Float32Array(images * grid * grid).fill(1)]
  for (const [i, { photo, mask, rule }] of cuts.entries()) {
    const crop = cropObject(photo, mask, { ...rule, size, grid })
    normalizeInto(pixels, i * 3 * size * size, crop.picture)
    patches.set(crop.patches, i * grid * grid)
  }
  return { pixel_values: f32([images, 3, size, size], pixels), mask_patches: f32([images, grid * grid], patches) }
}
