import type { CropRule } from '@sam/clip'
import type { Random } from '../random.js'

/** How training cuts an object out: its box grown by a factor of 1 to 2, and half of the time all that is not the object turned black. Paper: D.5. */
export const anyCrop = (draw: Random, zeroOutside = 0.5): CropRule => ({ grow: draw.between(1, 2), zeroOutside: draw.chance(zeroOutside) })

/**
 * Whether a mask is large enough to be named: masks under 100² pixels are dropped (paper, D.5), of images whose longer side is 1024 and so the like part of
 * others.
 */
export function isNameable({ width, height, data }: { readonly width: number; readonly height: number; readonly data: Uint8Array }): boolean {
  let area = 0
  for (let i = 0; i < data.length; i++) if (data[i]) area++
  return area >= (100 / 1024 * Math.max(width, height)) ** 2
}
