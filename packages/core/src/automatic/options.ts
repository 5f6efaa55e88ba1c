import { refuse, shown } from '../errors.js'
import { maxPrompts } from '../prompts/prompt.js'

/**
 * Options of automatic mask generation. Names and defaults are those of Meta's SamAutomaticMaskGenerator
 * (automatic_mask_generator.py), in camelCase.
 */
export interface AutomaticMaskOptions {
  /** Points along each side of the grid. Default 32. */
  readonly pointsPerSide?: number | undefined
  /** Points that are decoded at once, at most 64. Default 64. */
  readonly pointsPerBatch?: number | undefined
  /**
   * Other points than a grid's, one list for the photo and one for each layer of crops: x, y in 0 … 1 of the photo or
   * of the crop.
   */
  readonly pointGrids?: readonly (readonly (readonly [x: number, y: number])[])[] | undefined
  /** Masks whose predicted IoU is not higher are dropped. Default 0.88. */
  readonly predIouThresh?: number | undefined
  /** Masks with a lower stability score are dropped. Default 0.95. */
  readonly stabilityScoreThresh?: number | undefined
  /** How far the mask threshold moves for the stability score. Default 1. */
  readonly stabilityScoreOffset?: number | undefined
  /** Of masks whose boxes overlap by a higher IoU, the better one stays. Default 0.7. */
  readonly boxNmsThresh?: number | undefined
  /** Layers of crops besides the whole photo: 4 crops, then 16, … each encoded by itself. Default 0. */
  readonly cropNLayers?: number | undefined
  /** Of masks of different crops whose boxes overlap by a higher IoU, that of the smaller crop stays. Default 0.7. */
  readonly cropNmsThresh?: number | undefined
  /** How much neighbouring crops share, as a part of the photo's shorter side. Default 512/1500. */
  readonly cropOverlapRatio?: number | undefined
  /** The grid of layer i has its points per side divided by this to the power i. Default 1. */
  readonly cropNPointsDownscaleFactor?: number | undefined
  /** Holes and islands of fewer pixels are removed. Default 0. */
  readonly minMaskRegionArea?: number | undefined
  /**
   * Masks that cover a larger part of the photo are dropped: the paper (Appendix B) drops those over 0.95. Default 1, as
   * Meta's code, which has no such option.
   */
  readonly maxArea?: number | undefined
  /** Called as points are decoded. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Most points along a side, most layers of crops: a million prompts are a mistake. */
const [mostPerSide, mostLayers] = [256, 4]

/** The options, checked. Throws `InputError` `E_BAD_OPTION` that names the option. */
export function checkAutomaticMaskOptions(options: AutomaticMaskOptions): AutomaticMaskOptions {
  const must = (holds: boolean, name: keyof AutomaticMaskOptions, rule: string): void => {
    if (!holds) refuse('E_BAD_OPTION', `${name}: must be ${rule}, found ${shown(options[name])}`)
  }
  const whole = [
    ['pointsPerSide', 1, mostPerSide],
    ['pointsPerBatch', 1, maxPrompts],
    ['cropNLayers', 0, mostLayers],
    ['minMaskRegionArea', 0, 2 ** 31]
  ] as const
  for (const [name, least, most] of whole) {
    const { [name]: value = least } = options
    must(Number.isInteger(value) && value >= least && value <= most, name, `a whole number from ${least} to ${most}`)
  }
  const finite = [
    'predIouThresh',
    'stabilityScoreThresh',
    'stabilityScoreOffset',
    'boxNmsThresh',
    'maxArea',
    'cropOverlapRatio',
    'cropNmsThresh'
  ] as const
  for (const name of finite) must(Number.isFinite(options[name] ?? 0), name, 'a finite number')
  const { cropNPointsDownscaleFactor: factor = 1, cropOverlapRatio: ratio = 0, cropNLayers = 0, pointGrids } = options
  must(factor >= 1 && factor < Infinity, 'cropNPointsDownscaleFactor', 'a number from 1')
  must(ratio >= 0 && ratio < 1, 'cropOverlapRatio', 'at least 0 and under 1')
  const isGrid = (grid: readonly (readonly number[])[]): boolean =>
    grid.length <= mostPerSide ** 2 && grid.every(p => p.length === 2 && p.every(v => v >= 0 && v <= 1))
  must(
    !pointGrids || (pointGrids.length === cropNLayers + 1 && pointGrids.every(isGrid)),
    'pointGrids',
    `cropNLayers + 1 = ${cropNLayers + 1} lists of pairs of numbers in 0 … 1`
  )
  return options
}
