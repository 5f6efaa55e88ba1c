import type { RgbImage } from '../image/image.js'
import type { Size } from '../image/resize.js'
import type { Bitmap } from '../masks/bitmap.js'
import { boxArea, type Box } from '../masks/box.js'
import { Mask } from '../masks/mask.js'
import { removeSmallRegions } from '../masks/small-regions.js'
import { maxPrompts, type Point } from '../prompts/prompt.js'
import type { Prediction, Promptable } from '../prompts/promptable.js'
import { batches } from '../tensor/batches.js'
import { cropBoxes, isCutOff } from './crops.js'
import { boxNms } from './nms.js'
import { checkAutomaticMaskOptions, type AutomaticMaskOptions } from './options.js'
import { pointGrid } from './point-grid.js'

/** A mask from automatic mask generation. */
export interface AutomaticMask {
  /** All of Meta's `output_mode` forms: `bitmap()`, `toRle()` and `toCocoRle()`. */
  readonly mask: Mask
  /** The grid point used as the prompt, in pixels of the photo. */
  readonly point: Point
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

/** A mask of one crop before suppression: its measures only, because the logits would take too much memory. */
interface Candidate {
  readonly point: Point
  readonly tokenIndex: number
  readonly iou: number
  readonly stability: number
  readonly box: Box
  readonly area: number
}

/**
 * Masks of all objects in the photo, from a grid of points; best first. The set of masks is that of Meta's
 * automatic_mask_generator.py#SamAutomaticMaskGenerator.generate; where nothing is filtered (`predIouThresh` and
 * `stabilityScoreThresh` 0), it can contain empty masks.
 *
 * Only the measures of each batch are kept; the masks that survive are decoded again. Memory therefore does not grow
 * with the grid.
 */
export async function generateMasks(
  image: CroppableImage,
  options: AutomaticMaskOptions = {}
): Promise<AutomaticMask[]> {
  options = checkAutomaticMaskOptions(options)
  const {
    pointsPerSide = 32,
    pointsPerBatch = maxPrompts,
    pointGrids,
    boxNmsThresh = 0.7,
    cropNLayers = 0,
    cropOverlapRatio = 512 / 1500,
    cropNPointsDownscaleFactor = 1,
    cropNmsThresh = 0.7,
    minMaskRegionArea = 0,
    onProgress,
    signal
  } = options
  const crops = cropBoxes(image, { layers: cropNLayers, overlap: cropOverlapRatio })
  const grids =
    pointGrids ??
    Array.from({ length: cropNLayers + 1 }, (_, layer) =>
      pointGrid(Math.max(1, Math.floor(pointsPerSide / cropNPointsDownscaleFactor ** layer)))
    )
  const total = crops.reduce((n, { layer }) => n + grids[layer].length, 0)
  let done = 0
  const report = (more: number): void => onProgress?.({ done: (done += more), total })

  const found: AutomaticMask[] = []
  for (const { box, layer } of crops) {
    const view = layer > 0 ? await image.encodeCrop(box, { signal }) : undefined
    try {
      const inCrop = { ...options, boxNmsThresh, pointsPerBatch, photo: image, crop: box, grid: grids[layer], report }
      found.push(...(await masksOfCrop(view ?? image, inCrop)))
    } finally {
      view?.dispose()
    }
  }
  // Prefer masks from smaller crops.
  const merged = crops.length > 1 ? boxNms(found, m => 1 / boxArea(m.crop), cropNmsThresh) : found
  const cleaned =
    minMaskRegionArea > 0
      ? withoutSmallRegions(merged, { minMaskRegionArea, overlap: Math.max(boxNmsThresh, cropNmsThresh) })
      : merged
  return cleaned.sort((a, b) => b.mask.predictedIou - a.mask.predictedIou)
}

interface CropOptions extends AutomaticMaskOptions {
  readonly boxNmsThresh: number
  readonly pointsPerBatch: number
  readonly photo: Size
  readonly crop: Box
  readonly grid: readonly (readonly [number, number])[]
  readonly report: (points: number) => void
}

/** The masks of one crop. Meta: SamAutomaticMaskGenerator._process_crop, ._process_batch. */
async function masksOfCrop(view: Promptable, options: CropOptions): Promise<AutomaticMask[]> {
  const { boxNmsThresh, pointsPerBatch, maskThreshold, photo, crop, grid, report, signal } = options
  const predict = (points: readonly Point[]): Promise<Prediction[]> =>
    view.predict(
      points.map(point => ({ points: [point] })),
      { multimask: true, maskThreshold, signal }
    )
  const points = grid.map(([x, y]): Point => ({ x: x * view.width, y: y * view.height }))
  const candidates: Candidate[] = []
  for (const batch of batches(points, pointsPerBatch)) {
    for (const [i, { masks, tokenIndices }] of (await predict(batch)).entries()) {
      for (const [k, mask] of masks.entries()) {
        const measures = acceptedMeasures(mask, options)
        if (measures) candidates.push({ ...measures, point: batch[i], tokenIndex: tokenIndices[k] })
      }
    }
    report(batch.length)
  }
  const kept = boxNms(candidates, c => c.iou, boxNmsThresh)
  const masks: Mask[] = []
  for (const batch of batches(kept, pointsPerBatch)) {
    const predictions = await predict(batch.map(({ point }) => point))
    masks.push(
      ...predictions.map((p, i) => uncropMask(p.masks[p.tokenIndices.indexOf(batch[i].tokenIndex)], crop, photo))
    )
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

/** A mask's measures in photo coordinates; undefined if the mask is dropped. Cheapest tests first. */
function acceptedMeasures(
  mask: Mask,
  { predIouThresh = 0.88, stabilityScoreThresh = 0.95, stabilityScoreOffset = 1, maxArea = 1, photo, crop }: CropOptions
): Omit<Candidate, 'point' | 'tokenIndex'> | undefined {
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
  if (area > maxArea * photo.width * photo.height || isCutOff(box, crop, photo)) return undefined
  return { iou: mask.predictedIou, stability, box, area }
}

/** A crop's mask in photo coordinates. Meta: utils/amg.py#uncrop_masks. */
function uncropMask(mask: Mask, [left, top]: Box, { width, height }: Size): Mask {
  if (mask.width === width && mask.height === height) return mask
  const data = new Uint8Array(width * height)
  const bits = mask.bitmap({ keep: false })
  for (let y = 0; y < mask.height; y++)
    data.set(bits.subarray(y * mask.width, (y + 1) * mask.width), (y + top) * width + left)
  return new Mask({ width, height, data, predictedIou: mask.predictedIou })
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
    const bitmap: Bitmap = { width: item.mask.width, height: item.mask.height, data: item.mask.bitmap({ keep: false }) }
    const { bitmap: better, changed } = removeSmallRegions(bitmap, minMaskRegionArea)
    if (better === bitmap) return { ...item, changed }
    const mask = new Mask({ ...better, predictedIou: item.mask.predictedIou })
    return { ...item, changed, mask, box: mask.boxXyxy, area: mask.area }
  })
  return boxNms(cleaned, item => (item.changed ? 0 : 1), overlap).map(({ changed: _, ...item }) => item)
}
