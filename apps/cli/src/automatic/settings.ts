import type { Command } from 'commander'
import type { AutomaticMaskOptions } from '@sam/core'
import { decimal, wholeNumber } from '../numbers.js'

/** Settings of the mask generator, under the names of Meta's scripts/amg.py. Defaults: see `AutomaticMaskOptions`. */
const whole = [
  ['--points-per-side', 'points along each side of the grid (default: 32)', 1],
  ['--points-per-batch', 'points decoded at once (default: 64)', 1],
  ['--crop-n-layers', 'layers of crops in addition to the image: 4 crops, then 16, … (default: 0)', 0],
  ['--crop-n-points-downscale-factor', 'points per side of layer i are divided by this to the power i (default: 1)', 1],
  ['--min-mask-region-area', 'removes holes and islands with fewer pixels (default: 0)', 0]
] as const
const fractional = [
  ['--pred-iou-thresh', 'drops masks with a lower predicted IoU (default: 0.88)'],
  ['--stability-score-thresh', 'drops masks with a lower stability score (default: 0.95)'],
  ['--stability-score-offset', 'offset of the mask threshold in the stability score (default: 1)'],
  ['--box-nms-thresh', 'box IoU above which the lower-ranked of two masks is dropped (default: 0.7)'],
  ['--crop-nms-thresh', 'the same for masks of different crops (default: 0.7)'],
  ['--crop-overlap-ratio', 'overlap of crops, as a fraction of the shorter side of the image (default: 512/1500)'],
  ['--max-area', 'drops masks that cover a larger fraction of the image; the paper: 0.95 (default: 1)']
] as const

/** What {@link addSettings} adds: those of Meta's, and limits for duplicates that are not in `AutomaticMaskOptions`. */
export interface Settings extends Omit<AutomaticMaskOptions, 'overlap'> {
  readonly overlapIou?: number
  readonly overlapContainment?: number
}

export function addSettings(command: Command): void {
  for (const [name, description, least] of whole)
    command.option(`${name} <n>`, description, wholeNumber(name, { least }))
  for (const [name, description] of fractional) command.option(`${name} <x>`, description, decimal(name))
  command
    .option(
      '--overlap-iou <x>',
      'drops the lower-ranked of two masks with a higher IoU of their pixels (default: none)',
      decimal('--overlap-iou')
    )
    .option(
      '--overlap-containment <x>',
      'drops masks of which a larger fraction is inside a mask ranked higher (default: none)',
      decimal('--overlap-containment')
    )
}

const names = [...whole, ...fractional].map(([name]) =>
  name.slice(2).replace(/-./g, part => part[1].toUpperCase())
) as (keyof AutomaticMaskOptions)[]

export function settingsOf(given: Settings): AutomaticMaskOptions {
  const { overlapIou: iou, overlapContainment: containment } = given
  return {
    ...Object.fromEntries(names.filter(name => name in given).map(name => [name, given[name as keyof Settings]])),
    ...((iou ?? containment) !== undefined && {
      overlap: { ...(iou !== undefined && { iou }), ...(containment !== undefined && { containment }) }
    })
  }
}
