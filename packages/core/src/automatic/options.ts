import { refuse, shown } from '../errors.js'
import type { OverlapLimits } from '../masks/overlap.js'
import { readOptions } from '../options.js'
import { maxPromptsPerCall } from '../prompts/prompt.js'

/**
 * Options of automatic mask generation. Names and defaults are those of Meta's SamAutomaticMaskGenerator
 * (automatic_mask_generator.py), in camelCase.
 */
export interface AutomaticMaskOptions {
  /** Points along each side of the grid. Default 32. */
  readonly pointsPerSide?: number | undefined
  /** Points per call of `predict`, at most 1,024; more than 64 take several decodes. Default 64. */
  readonly pointsPerBatch?: number | undefined
  /**
   * Explicit points instead of a regular grid: one list for the photo and one for each layer of crops. x, y in 0 … 1
   * of the photo or crop.
   */
  readonly pointGrids?: readonly (readonly (readonly [x: number, y: number])[])[] | undefined
  /** Masks whose predicted IoU is not above this are dropped; from 0 down, none. Default 0.88. */
  readonly predIouThresh?: number | undefined
  /** Masks whose stability score is below this are dropped; from 0 down, none. Default 0.95. */
  readonly stabilityScoreThresh?: number | undefined
  /** Offset of the mask threshold in the stability score. Default 1. */
  readonly stabilityScoreOffset?: number | undefined
  /** A pixel is inside a mask when its logit exceeds this. Meta: `Sam.mask_threshold`. Default 0. */
  readonly maskThreshold?: number | undefined
  /** Box IoU above which the lower-ranked of two masks is removed. Default 0.7. */
  readonly boxNmsThresh?: number | undefined
  /** Layers of crops in addition to the full photo: 4 crops, then 16, … each encoded separately. Default 0. */
  readonly cropNLayers?: number | undefined
  /** Box IoU above which, of two masks from different crops, the one from the larger crop is removed. Default 0.7. */
  readonly cropNmsThresh?: number | undefined
  /** Overlap of neighbouring crops, as a fraction of the photo's shorter side. Default 512/1500. */
  readonly cropOverlapRatio?: number | undefined
  /** Points per side of layer i are divided by this factor to the power i. Default 1. */
  readonly cropNPointsDownscaleFactor?: number | undefined
  /** Holes and islands with fewer pixels are removed. Default 0. */
  readonly minMaskRegionArea?: number | undefined
  /**
   * Masks that cover a larger fraction of the photo are dropped. The paper (Appendix B) drops those over 0.95. Default
   * 1: Meta's code has no such option.
   */
  readonly maxArea?: number | undefined
  /**
   * Removes duplicates that box suppression keeps, by their pixels: of two masks over a limit the lower-ranked one.
   * `{ iou: 0.8 }` removes masks that are nearly equal; `{ containment: 0.9 }` also parts of masks ranked higher.
   * Default: none.
   */
  readonly overlap?: Partial<OverlapLimits> | undefined
  /**
   * Whether masks keep their logits, 256 KB each: for smooth outlines, and for use as prompts without a loss. Default
   * true. Without them memory does not grow with the number of masks but by their outlines, a few KB each.
   */
  readonly keepLogits?: boolean | undefined
  /** Called after each batch of points. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The settings by which the paper made SA-1B (Appendix B): 2 × 2 and 4 × 4 crops with 16 × 16 and 8 × 8 points, no
 * masks over 95% of the photo, no holes and islands under 100 pixels.
 */
export const paperMaskOptions = {
  pointsPerSide: 32,
  cropNLayers: 2,
  cropNPointsDownscaleFactor: 2,
  predIouThresh: 0.88,
  stabilityScoreThresh: 0.95,
  boxNmsThresh: 0.7,
  cropNmsThresh: 0.7,
  maxArea: 0.95,
  minMaskRegionArea: 100
} as const satisfies AutomaticMaskOptions

/** Upper limits: beyond them a run has millions of prompts. */
const [mostPerSide, mostLayers] = [256, 4]

export const automaticMaskNames: Readonly<Record<keyof AutomaticMaskOptions, true>> = {
  pointsPerSide: true,
  pointsPerBatch: true,
  pointGrids: true,
  predIouThresh: true,
  stabilityScoreThresh: true,
  stabilityScoreOffset: true,
  maskThreshold: true,
  boxNmsThresh: true,
  cropNLayers: true,
  cropNmsThresh: true,
  cropOverlapRatio: true,
  cropNPointsDownscaleFactor: true,
  minMaskRegionArea: true,
  maxArea: true,
  overlap: true,
  keepLogits: true,
  onProgress: true,
  signal: true
}

/** Validates and copies the options. Throws `InputError` `E_BAD_OPTION` naming the option. */
export function checkAutomaticMaskOptions(given: AutomaticMaskOptions): AutomaticMaskOptions {
  const options = readOptions('generateMasks', given, automaticMaskNames)
  const must = (holds: boolean, name: keyof AutomaticMaskOptions, rule: string): void => {
    if (!holds) refuse('E_BAD_OPTION', `${name}: must be ${rule}, found ${shown(options[name])}`)
  }
  const integers = [
    ['pointsPerSide', 1, mostPerSide],
    ['pointsPerBatch', 1, maxPromptsPerCall],
    ['cropNLayers', 0, mostLayers],
    ['minMaskRegionArea', 0, 2 ** 31]
  ] as const
  for (const [name, least, most] of integers) {
    const { [name]: value = least } = options
    must(Number.isInteger(value) && value >= least && value <= most, name, `a whole number from ${least} to ${most}`)
  }
  const finite = [
    'predIouThresh',
    'stabilityScoreThresh',
    'stabilityScoreOffset',
    'maskThreshold',
    'boxNmsThresh',
    'maxArea',
    'cropOverlapRatio',
    'cropNmsThresh'
  ] as const
  for (const name of finite) must(Number.isFinite(options[name] ?? 0), name, 'a finite number')
  must([undefined, true, false].includes(options.keepLogits), 'keepLogits', 'true or false')
  const { cropNPointsDownscaleFactor: factor = 1, cropOverlapRatio: ratio = 0, cropNLayers = 0 } = options
  must(factor >= 1 && factor < Infinity, 'cropNPointsDownscaleFactor', 'a number from 1')
  must(ratio >= 0 && ratio < 1, 'cropOverlapRatio', 'at least 0 and under 1')
  const overlap = options.overlap && checkOverlap(options.overlap)
  if (options.pointGrids === undefined) return { ...options, overlap }
  const pointGrids = copyGrids(options.pointGrids, cropNLayers + 1)
  must(
    pointGrids !== undefined,
    'pointGrids',
    `cropNLayers + 1 = ${cropNLayers + 1} lists of pairs of numbers in 0 … 1`
  )
  return { ...options, overlap, pointGrids }
}

/** A copy of the limits. Throws `E_BAD_OPTION`. */
export function checkOverlap(given: Partial<OverlapLimits>): Partial<OverlapLimits> {
  const limits = readOptions('overlap', given, { iou: true, containment: true })
  for (const [name, value] of Object.entries(limits))
    if (!Number.isFinite(value))
      refuse('E_BAD_OPTION', `overlap: ${name} must be a finite number, found ${shown(value)}`)
  return limits
}

type Grids = NonNullable<AutomaticMaskOptions['pointGrids']>

/** A deep copy of `layers` grids; undefined for anything else. */
function copyGrids(grids: Grids, layers: number): Grids | undefined {
  if (!Array.isArray(grids) || grids.length !== layers) return undefined
  const isList = (grid: unknown): boolean => Array.isArray(grid) && grid.length <= mostPerSide ** 2
  if (!Array.from(grids as Grids).every(isList)) return undefined
  const copy = (grids as Grids).map(grid =>
    Array.from(grid, p => (Array.isArray(p) && p.length === 2 ? ([p[0], p[1]] as const) : ([NaN, NaN] as const)))
  )
  const isUnit = (v: unknown): boolean => typeof v === 'number' && v >= 0 && v <= 1
  return copy.every(grid => grid.every(p => p.every(isUnit))) ? copy : undefined
}
