import { Option } from 'commander'
import type { Mask } from '@sam/core'
import { decimal, wholeNumber } from './numbers.js'

/** How masks are cleaned before they are written. */
export interface EdgeOptions {
  readonly minMaskRegionArea?: number
  readonly feather?: number
}

/** The options of {@link EdgeOptions}. */
export const edgeOptions = (): readonly Option[] => [
  new Option(
    '--min-mask-region-area <n>',
    'removes holes and islands with fewer pixels from the masks (default: 0)'
  ).argParser(wholeNumber('--min-mask-region-area', { least: 0 })),
  featherOption()
]

export const featherOption = (): Option =>
  new Option(
    '--feather <pixels>',
    'PNG images of masks fade over this many pixels on each side of the outline (default: 0)'
  ).argParser(decimal('--feather'))

export const cleaned = (mask: Mask, { minMaskRegionArea = 0 }: EdgeOptions): Mask =>
  minMaskRegionArea > 0 ? mask.withoutSmallRegions(minMaskRegionArea) : mask
