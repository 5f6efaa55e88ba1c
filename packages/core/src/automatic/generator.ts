import type { RgbImage } from '../image/image.js'
import type { Size } from '../image/resize.js'
import { boxArea, type Box } from '../masks/box.js'
import { Mask } from '../masks/mask.js'
import { withoutDuplicates } from '../masks/overlap.js'
import { shiftRuns } from '../masks/runs.js'
import { removeSmallRegions } from '../masks/small-regions.js'
import { maxPrompts, type Point } from '../prompts/prompt.js'
import type { Prediction, Promptable } from '../prompts/promptable.js'
import { batches } from '../tensor/batches.js'
import { cropBoxes, cutSides } from './crops.js'
import { boxNms } from './nms.js'
import { checkAutomaticMaskOptions, type AutomaticMaskOptions } from './options.js'
import { pointGrid } from './point-grid.js'

/** A mask from automatic mask generation. */
export interface AutomaticMask {
  /** All of Meta's `output_mode` forms: `bitmap()`, `toRle()` and `toCocoRle()`. */
  readonly mask: Mask
  /** The grid point used as the prompt, in pixels of the photo. */
  readonly point: Point
  /**
   * Which of the three masks for the point it is: see `Prediction.tokenIndices`.
   */
  readonly tokenIndex: number
  /** See `Mask.stability`. */
  readonly stability: number
  /** As `Mask.boxXyxy` and `Mask.area`, without computing the bitmap. */
  readonly box: Box
  readonly area: number
  /** The crop in which it was found. */
  readonly crop: Box
}

/** An encoded image whose crops can be encoded too. */
export interface CroppableImage extends Promptable {
  photo(): Promise<RgbImage>
  /** Encodes a crop separately. `box` is in integer pixels of the photo. */
  encodeCrop(box: Box, options: { signal?: AbortSignal | undefined }): Promise<Promptable & { dispose(): void }>
}

/** What changed in the set of masks. */
export interface MaskUpdate {
  readonly added: readonly AutomaticMask[]
  /** Masks of earlier updates that do not belong to the set: a better one was found, or they were cleaned. */
  readonly removed: readonly AutomaticMask[]
  /** Points decoded so far, and in total. */
  readonly done: number
  readonly total: number
}

/**
 * Masks of all objects in the photo, from a grid of points; best first. The set of masks is that of Meta's
 * automatic_mask_generator.py#SamAutomaticMaskGenerator.generate; where nothing is filtered (`predIouThresh` and
 * `stabilityScoreThresh` 0), it can contain empty masks.
 */
export async function generateMasks(
  image: CroppableImage,
  options: AutomaticMaskOptions = {}
): Promise<AutomaticMask[]> {
  const masks = new Set<AutomaticMask>()
  for await (const { added, removed } of streamMasks(image, options)) {
    for (const mask of removed) masks.delete(mask)
    for (const mask of added) masks.add(mask)
  }
  return [...masks].sort((a, b) => b.mask.predictedIou - a.mask.predictedIou)
}

/**
 * The same masks while they are found: an update after each batch of points, and one at the end. All updates together
 * give the set of {@link generateMasks}.
 */
export async function* streamMasks(
  image: CroppableImage,
  given: AutomaticMaskOptions = {}
): AsyncGenerator<MaskUpdate, void, undefined> {
  const options = checkAutomaticMaskOptions(given)
  const { pointsPerSide = 32, pointGrids, cropNLayers = 0, cropNPointsDownscaleFactor = 1, onProgress } = options
  const crops = cropBoxes(image, { layers: cropNLayers, overlap: options.cropOverlapRatio ?? 512 / 1500 })
  const grids =
    pointGrids ??
    Array.from({ length: cropNLayers + 1 }, (_, layer) =>
      pointGrid(Math.max(1, Math.floor(pointsPerSide / cropNPointsDownscaleFactor ** layer)))
    )
  const total = crops.reduce((n, { layer }) => n + grids[layer].length, 0)
  let done = 0
  let shown: readonly AutomaticMask[] = []
  const show = (masks: readonly AutomaticMask[]): MaskUpdate => {
    const [before, now] = [new Set(shown), new Set(masks)]
    shown = masks
    return { added: masks.filter(m => !before.has(m)), removed: [...before].filter(m => !now.has(m)), done, total }
  }

  let found: AutomaticMask[] = []
  for (const { box: crop, layer } of crops) {
    const view = layer > 0 ? await image.encodeCrop(crop, { signal: options.signal }) : undefined
    try {
      let ofCrop: readonly AutomaticMask[] = []
      for await (const { masks, points } of masksOfCrop(view ?? image, {
        ...options,
        photo: image,
        crop,
        grid: grids[layer]
      })) {
        ofCrop = masks
        done += points
        onProgress?.({ done, total })
        yield show([...found, ...ofCrop])
      }
      found = [...found, ...ofCrop]
    } finally {
      view?.dispose()
    }
  }
  yield show(chosenMasks(found, { ...options, crops: crops.length }))
}

/** The masks of all crops without duplicates, cleaned. */
function chosenMasks(
  found: readonly AutomaticMask[],
  {
    crops,
    boxNmsThresh = defaultNmsThresh,
    cropNmsThresh = defaultNmsThresh,
    minMaskRegionArea = 0,
    overlap
  }: AutomaticMaskOptions & { crops: number }
): readonly AutomaticMask[] {
  // Prefer masks from smaller crops.
  let masks = crops > 1 ? boxNms(found, m => 1 / boxArea(m.crop), cropNmsThresh) : found
  if (minMaskRegionArea > 0)
    masks = withoutSmallRegions(masks, { minMaskRegionArea, overlap: Math.max(boxNmsThresh, cropNmsThresh) })
  if (!overlap) return masks
  const ranked = [...masks].sort((a, b) => b.mask.predictedIou - a.mask.predictedIou)
  return withoutDuplicates(ranked, { iou: Infinity, containment: Infinity, ...overlap })
}

const defaultNmsThresh = 0.7

/** What decides whether a mask of a crop is kept. The mask itself is there as long as it is not suppressed. */
interface Candidate extends Omit<AutomaticMask, 'mask'> {
  readonly iou: number
  /** The point in the crop. */
  readonly prompt: Point
  readonly cutOff: boolean
  item: AutomaticMask | undefined
}

export interface CropOptions extends AutomaticMaskOptions {
  readonly photo: Size
  readonly crop: Box
  readonly grid: readonly (readonly [number, number])[]
  /** Keeps masks that the crop cuts off; they are suppressed only among themselves. Default false. */
  readonly keepCutOff?: boolean
}

/**
 * The masks of one crop, after each batch of points. Meta: SamAutomaticMaskGenerator._process_crop, ._process_batch.
 *
 * A mask with its logits takes 256 KB, so only those that no better mask suppresses are kept, from batch to batch.
 * Suppression is not final: a better mask may itself be suppressed by one that is found later. Then the masks that it
 * had suppressed are decoded again, which is rare.
 */
export async function* masksOfCrop(
  view: Promptable,
  options: CropOptions
): AsyncGenerator<{ masks: readonly AutomaticMask[]; points: number }, void, undefined> {
  const { boxNmsThresh = defaultNmsThresh, pointsPerBatch = maxPrompts, maskThreshold, grid, signal } = options
  const predict = (points: readonly Point[]): Promise<Prediction[]> =>
    view.predict(
      points.map(point => ({ points: [point] })),
      { multimask: true, maskThreshold, signal }
    )
  const prompts = grid.map(([x, y]): Point => ({ x: x * view.width, y: y * view.height }))
  const candidates: Candidate[] = []
  for (const batch of batches(prompts, pointsPerBatch)) {
    for (const [i, { masks, tokenIndices }] of (await predict(batch)).entries()) {
      for (const [k, mask] of masks.entries()) {
        const found = candidateOf(mask, { prompt: batch[i], tokenIndex: tokenIndices[k] }, options)
        if (found) candidates.push(found)
      }
    }
    const kept = [false, true].flatMap(cut =>
      boxNms(
        candidates.filter(c => c.cutOff === cut),
        c => c.iou,
        boxNmsThresh
      )
    )
    const isKept = new Set(kept)
    for (const candidate of candidates) if (!isKept.has(candidate)) candidate.item = undefined
    for (const again of batches(
      kept.filter(c => !c.item),
      pointsPerBatch
    )) {
      const predictions = await predict(again.map(({ prompt }) => prompt))
      for (const [i, { masks, tokenIndices }] of predictions.entries())
        again[i].item = itemOf(masks[tokenIndices.indexOf(again[i].tokenIndex)], again[i], options)
    }
    yield { masks: kept.map(({ item }) => item!), points: batch.length }
  }
}

/** A mask with its measures; undefined if it is dropped. Cheapest tests first. */
function candidateOf(
  mask: Mask,
  from: { prompt: Point; tokenIndex: number },
  options: CropOptions
): Candidate | undefined {
  const { predIouThresh = 0.88, stabilityScoreThresh = 0.95, stabilityScoreOffset = 1, maxArea = 1 } = options
  const { photo, crop } = options
  // Scores are compared in f32, as PyTorch does.
  const { fround } = Math
  if (predIouThresh > 0 && !(mask.predictedIou > fround(predIouThresh))) return undefined
  const stability = mask.stability(stabilityScoreOffset)
  if (stabilityScoreThresh > 0 && fround(stability) < fround(stabilityScoreThresh)) return undefined
  const {
    area,
    boxXyxy: [x0, y0, x1, y1]
  } = mask
  const box: Box = [x0 + crop[0], y0 + crop[1], x1 + crop[0], y1 + crop[1]]
  if (area > maxArea * photo.width * photo.height) return undefined
  const cutOff = cutSides(box, crop, photo).length > 0
  if (cutOff && !options.keepCutOff) return undefined
  const point = { x: from.prompt.x + crop[0], y: from.prompt.y + crop[1] }
  const measures = { iou: mask.predictedIou, stability, box, area, cutOff }
  const candidate = { ...from, ...measures, point, crop, item: undefined }
  return { ...candidate, item: itemOf(mask, candidate, options) }
}

const itemOf = (
  mask: Mask,
  { point, tokenIndex, stability, box, area, crop }: Candidate,
  { photo, keepLogits = true }: CropOptions
): AutomaticMask => {
  const inPhoto = uncropMask(mask, crop, photo)
  return { mask: keepLogits ? inPhoto : inPhoto.withoutLogits(), point, tokenIndex, stability, box, area, crop }
}

/** A crop's mask in photo coordinates. Meta: utils/amg.py#uncrop_masks. */
function uncropMask(mask: Mask, crop: Box, { width, height }: Size): Mask {
  if (mask.width === width && mask.height === height) return mask
  return new Mask({ width, height, inside: shiftRuns(mask.runs, crop), predictedIou: mask.predictedIou })
}

/**
 * Masks without small regions. If cleaning makes two masks alike, the one without small regions is kept. Meta:
 * SamAutomaticMaskGenerator.postprocess_small_regions.
 */
function withoutSmallRegions(
  masks: readonly AutomaticMask[],
  { minMaskRegionArea, overlap }: { minMaskRegionArea: number; overlap: number }
): AutomaticMask[] {
  const cleaned = masks.map(item => {
    const { width, height, runs, predictedIou } = item.mask
    const { runs: inside, changed } = removeSmallRegions(runs, { width, height }, minMaskRegionArea)
    if (inside === runs) return { ...item, changed }
    const mask = new Mask({ width, height, inside, predictedIou })
    return { ...item, changed, mask, box: mask.boxXyxy, area: mask.area }
  })
  return boxNms(cleaned, item => (item.changed ? 0 : 1), overlap).map(({ changed: _, ...item }) => item)
}
