import type { Bitmap } from '@sam/core'
import type { Rng } from '@sam/rng'
import { areaOf } from '../interaction/plane.js'

/** How training samples the crop of an object. */
export interface CropChances {
  /** Range of the factor by which the box is enlarged. */
  readonly grow: readonly [number, number]
  /** Probability that everything but the object turns black. */
  readonly zeroOutside: number
}

/** One sampled crop rule. */
export interface CropRule {
  /** Side of the crop as a multiple of the longer side of the mask's box. */
  readonly grow: number
  /** Whether everything but the object turns black. */
  readonly zeroOutside: boolean
}

/** Boxes enlarged by a factor of 1 to 2, with black surroundings half of the time. Paper: D.5. */
export const paperCrop: CropChances = { grow: [1, 2], zeroOutside: 0.5 }

/** Samples a crop rule. */
export const sampleCropRule = (rng: Rng, { grow: [least, most], zeroOutside }: CropChances = paperCrop): CropRule => ({
  grow: rng.between(least, most),
  zeroOutside: rng.chance(zeroOutside)
})

/**
 * Whether a mask is large enough for its crop to be recognised. The paper drops masks under 100² pixels of images whose
 * longer side is 1024 (D.5): the same fraction here for any size.
 */
export const isLargeEnough = ({ width, height, data }: Bitmap): boolean =>
  areaOf(data) >= ((100 / 1024) * Math.max(width, height)) ** 2
