import { InputError, shown } from '../errors.js'
import type { RgbImage } from '../image/image.js'
import type { Size } from '../image/resize.js'
import { bitmapBox, type BoxXyxy } from '../masks/box.js'
import { cropBoxes, isCutOff } from './crops.js'
import { areaOf, boxNms } from './nms.js'
import { pointGrid } from './point-grid.js'
import { removeSmallRegions } from '../masks/small-regions.js'
import type { Prediction } from '../sdk/prediction.js'
import type { Bitmap } from '../masks/bitmap.js'
import { Mask } from '../masks/mask.js'
import { maxPrompts, type Point, type Prompt } from '../prompts/prompt.js'

/**
 * What to segment without being asked for anything in particular. Names in brackets are Meta's, and defaults are
 * Meta's.
 */
export interface EverythingOptions {
  /** Points along each side of the grid. Default 32. [points_per_side] */
  readonly pointsPerSide?: number | undefined
  /** Other points than a grid's: x, y in 0 … 1 of the photo, and of each crop. [point_grids] */
  readonly points?: readonly (readonly [x: number, y: number])[] | undefined
  /** Masks of no higher predicted IoU are dropped. Default 0.88. [pred_iou_thresh] */
  readonly minIou?: number | undefined
  /** Masks of lower stability are dropped. Default 0.95. [stability_score_thresh] */
  readonly minStability?: number | undefined
  /** How far the threshold moves for the stability. Default 1. [stability_score_offset] */
  readonly stabilityOffset?: number | undefined
  /** Of masks whose boxes overlap by a higher IoU, the better one stays. Default 0.7. [box_nms_thresh] */
  readonly maxOverlap?: number | undefined
  /**
   * Masks that cover a larger part of the photo are dropped: the paper (Appendix B) drops those over 0.95. Default 1,
   * as Meta's code.
   */
  readonly maxArea?: number | undefined
  /**
   * Layers of crops that are looked at besides the whole photo, 4, then 16, … each encoded by itself. Default 0.
   * [crop_n_layers]
   */
  readonly cropLayers?: number | undefined
  /**
   * How much neighbouring crops share, as a part of the photo's shorter side. Default 512/1500. [crop_overlap_ratio]
   */
  readonly cropOverlap?: number | undefined
  /**
   * The grid of layer i has its points per side divided by this to the power i. Default 1.
   * [crop_n_points_downscale_factor]
   */
  readonly cropPointsDivisor?: number | undefined
  /**
   * Of masks of different crops whose boxes overlap by a higher IoU, that of the smaller crop stays. Default 0.7.
   * [crop_nms_thresh]
   */
  readonly cropMaxOverlap?: number | undefined
  /** Holes and islands of fewer pixels are removed. Default 0. [min_mask_region_area] */
  readonly minRegion?: number | undefined
  /** Told as points are answered. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A mask that nobody asked for. */
export interface AutomaticMask {
  readonly mask: Mask
  /** Where the model was asked, in pixels of the photo. */
  readonly point: Point
  /** See `Mask.stability`. */
  readonly stability: number
  /** As `Mask.box` and `Mask.area`, without making the mask. */
  readonly box: BoxXyxy
  readonly area: number
  /** The part of the photo in which it was found. */
  readonly crop: BoxXyxy
}

/** What is needed of an encoded image. */
export interface Answering extends Size {
  predict(
    prompts: readonly Prompt[],
    options: { multimask: true; signal?: AbortSignal | undefined }
  ): Promise<Prediction[]>
}

/** What is needed of an image whose parts can be looked at: the photo, and the model to encode them. */
export interface Croppable extends Answering {
  photo(): Promise<RgbImage>
  encodePart(part: RgbImage, signal?: AbortSignal): Promise<Answering & { dispose(): void }>
}

/** A candidate of one crop: everything but its logits, of which there would be too many to keep. */
interface Candidate {
  readonly point: Point
  readonly token: number
  readonly iou: number
  readonly stability: number
  readonly box: BoxXyxy
  readonly area: number
}

/**
 * Masks for everything in the photo, by points in a grid; best first. Meta:
 * automatic_mask_generator.py#SamAutomaticMaskGenerator.generate.
 *
 * Points are answered 64 at a time and only numbers are kept of their masks; what remains in the end is asked for once
 * more. So memory stays small whatever the grid.
 */
export async function segmentEverything(image: Croppable, options: EverythingOptions = {}): Promise<AutomaticMask[]> {
  const {
    pointsPerSide = 32,
    points,
    maxOverlap = 0.7,
    cropLayers = 0,
    cropOverlap = 512 / 1500,
    cropPointsDivisor = 1,
    cropMaxOverlap = 0.7,
    minRegion = 0,
    onProgress,
    signal
  } = checked(options)
  const crops = cropBoxes(image, { layers: cropLayers, overlap: cropOverlap })
  const grids = Array.from(
    { length: cropLayers + 1 },
    (_, layer) => points ?? pointGrid(Math.max(1, Math.floor(pointsPerSide / cropPointsDivisor ** layer)))
  )
  const total = crops.reduce((n, { layer }) => n + grids[layer].length, 0)
  let done = 0
  const tell = (more: number): void => onProgress?.({ done: (done += more), total })

  const found: AutomaticMask[] = []
  for (const { box, layer } of crops) {
    const part = layer > 0 ? await image.encodePart(cropPixels(await image.photo(), box), signal) : undefined
    try {
      found.push(
        ...(await inView(part ?? image, { ...options, maxOverlap, image, crop: box, grid: grids[layer], tell }))
      )
    } finally {
      part?.dispose()
    }
  }
  // Prefer what was seen from close by.
  const merged = crops.length > 1 ? boxNms(found, m => 1 / areaOf(m.crop), cropMaxOverlap) : found
  const cleaned =
    minRegion > 0 ? withoutSmallRegions(merged, { minRegion, overlap: Math.max(maxOverlap, cropMaxOverlap) }) : merged
  return cleaned.sort((a, b) => b.mask.predictedIou - a.mask.predictedIou)
}

interface ViewOptions extends EverythingOptions {
  readonly maxOverlap: number
  readonly image: Size
  readonly crop: BoxXyxy
  readonly grid: readonly (readonly [number, number])[]
  readonly tell: (points: number) => void
}

/** The masks of one crop. Meta: SamAutomaticMaskGenerator._process_crop, ._process_batch. */
async function inView(view: Answering, options: ViewOptions): Promise<AutomaticMask[]> {
  const { maxOverlap, image, crop, grid, tell, signal } = options
  const candidates: Candidate[] = []
  for (const batch of batches(
    grid.map(([x, y]): Point => ({ x: x * view.width, y: y * view.height })),
    maxPrompts
  )) {
    const answers = await view.predict(
      batch.map(point => ({ points: [point] })),
      { multimask: true, signal }
    )
    for (const [i, { masks, tokens }] of answers.entries()) {
      for (const [k, mask] of masks.entries()) {
        const candidate = judged(mask, options)
        if (candidate) candidates.push({ ...candidate, point: batch[i], token: tokens[k] })
      }
    }
    tell(batch.length)
  }
  const kept = boxNms(candidates, c => c.iou, maxOverlap)
  const masks: Mask[] = []
  for (const batch of batches(kept, maxPrompts)) {
    const answers = await view.predict(
      batch.map(({ point }) => ({ points: [point] })),
      { multimask: true, signal }
    )
    masks.push(...answers.map((answer, i) => inPhoto(answer.masks[answer.tokens.indexOf(batch[i].token)], crop, image)))
  }
  return kept.map(({ point, stability, box, area }, i) => ({
    mask: masks[i],
    point: { x: point.x + crop[0], y: point.y + crop[1] },
    stability,
    box,
    area,
    crop
  }))
}

/** A mask's numbers, or undefined for one that is to be dropped. Cheapest questions first. */
function judged(
  mask: Mask,
  { minIou = 0.88, minStability = 0.95, stabilityOffset = 1, maxArea = 1, image, crop }: ViewOptions
): Omit<Candidate, 'point' | 'token'> | undefined {
  if (!(mask.predictedIou > minIou)) return undefined
  const {
    stability,
    area,
    box: [x0, y0, x1, y1]
  } = mask.measure(stabilityOffset)
  const box: BoxXyxy = [x0 + crop[0], y0 + crop[1], x1 + crop[0], y1 + crop[1]]
  if (
    area === 0 ||
    stability < minStability ||
    area > maxArea * image.width * image.height ||
    isCutOff(box, crop, image)
  )
    return undefined
  return { iou: mask.predictedIou, stability, box, area }
}

/** A crop's mask in the whole photo. Meta: utils/amg.py#uncrop_masks. */
function inPhoto(mask: Mask, [left, top]: BoxXyxy, { width, height }: Size): Mask {
  if (mask.width === width && mask.height === height) return mask
  const data = new Uint8Array(width * height)
  const bits = mask.bitmap({ keep: false })
  for (let y = 0; y < mask.height; y++)
    data.set(bits.subarray(y * mask.width, (y + 1) * mask.width), (y + top) * width + left)
  return new Mask({ width, height, data, predictedIou: mask.predictedIou })
}

/**
 * Cleaned masks; where cleaning makes two alike, one that needed none stays. Meta:
 * SamAutomaticMaskGenerator.postprocess_small_regions.
 */
function withoutSmallRegions(
  masks: readonly AutomaticMask[],
  { minRegion, overlap }: { minRegion: number; overlap: number }
): AutomaticMask[] {
  const cleaned = masks.map(item => {
    const bitmap: Bitmap = { width: item.mask.width, height: item.mask.height, data: item.mask.bitmap({ keep: false }) }
    const better = removeSmallRegions(bitmap, minRegion)
    if (better === bitmap) return { ...item, changed: false }
    const mask = new Mask({ ...better, predictedIou: item.mask.predictedIou })
    return { ...item, changed: true, mask, box: bitmapBox(better), area: better.data.reduce((n, v) => n + v, 0) }
  })
  return boxNms(cleaned, item => (item.changed ? 0 : 1), overlap).map(({ changed: _, ...item }) => item)
}

function cropPixels({ width, data }: RgbImage, [x0, y0, x1, y1]: BoxXyxy): RgbImage {
  const out = new Uint8Array((x1 - x0) * (y1 - y0) * 3)
  for (let y = y0; y < y1; y++)
    out.set(data.subarray((y * width + x0) * 3, (y * width + x1) * 3), (y - y0) * (x1 - x0) * 3)
  return { width: x1 - x0, height: y1 - y0, data: out }
}

/** Most points along a side, most layers: a thousand thousand prompts are a mistake. */
const [mostPerSide, mostLayers] = [256, 4]

function checked(options: EverythingOptions): EverythingOptions {
  const refuse = (name: string, must: string): never => {
    throw new InputError(
      'E_BAD_OPTION',
      `${name}: must be ${must}, found ${shown(options[name as keyof EverythingOptions])}`
    )
  }
  const whole = (name: 'pointsPerSide' | 'cropLayers' | 'minRegion', least: number, most: number): void => {
    const value = options[name]
    if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most))
      refuse(name, `a whole number from ${least} to ${most}`)
  }
  whole('pointsPerSide', 1, mostPerSide)
  whole('cropLayers', 0, mostLayers)
  whole('minRegion', 0, 2 ** 31)
  for (const name of [
    'minIou',
    'minStability',
    'stabilityOffset',
    'maxOverlap',
    'maxArea',
    'cropOverlap',
    'cropMaxOverlap'
  ] as const) {
    const value = options[name]
    if (value !== undefined && !Number.isFinite(value)) refuse(name, 'a finite number')
  }
  const { cropPointsDivisor: divisor = 1, cropOverlap: overlap = 0, points } = options
  if (!(divisor >= 1 && divisor < Infinity)) refuse('cropPointsDivisor', 'a number from 1')
  if (overlap < 0 || overlap >= 1) refuse('cropOverlap', 'at least 0 and under 1')
  if (
    points &&
    !(points.length <= mostPerSide ** 2 && points.every(p => p.length === 2 && p.every(v => v >= 0 && v <= 1)))
  )
    refuse('points', 'pairs of numbers in 0 … 1')
  return options
}

const batches = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
