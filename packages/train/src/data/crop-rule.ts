import type { CropRule } from '@sam/clip'
import { areaOf } from '../prompts/plane.js'
import type { Random } from '../random.js'

/** How training cuts objects out. */
export interface CropChances {
  /** Range of the factor by which the box grows. */
  readonly grow: readonly [number, number]
  /** Probability that all that is not the object turns black. */
  readonly zeroOutside: number
}

/** Boxes grown by a factor of 1 to 2, and half of the time the surroundings black. Paper: D.5. */
export const paperCrop: CropChances = { grow: [1, 2], zeroOutside: 0.5 }

/** One rule by chance. */
export const anyCrop = (draw: Random, { grow: [least, most], zeroOutside }: CropChances = paperCrop): CropRule => ({
  grow: draw.between(least, most),
  zeroOutside: draw.chance(zeroOutside)
})

/**
 * Whether a mask is large enough to be named: masks under 100² pixels are dropped (paper, D.5), of images whose longer
 * side is 1024 and so the like part of others.
 */
export function isNameable({
  width,
  height,
  data
}: {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}): boolean {
  return areaOf(data) >= ((100 / 1024) * Math.max(width, height)) ** 2
}
