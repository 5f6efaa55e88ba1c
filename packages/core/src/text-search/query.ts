import { generateMasks, type CroppableImage } from '../automatic/generator.js'
import { checkAutomaticMaskOptions, checkOverlap, type AutomaticMaskOptions } from '../automatic/options.js'
import { SharedWork } from '../backend/shared-work.js'
import { refuse, shown } from '../errors.js'
import type { RgbImage } from '../image/image.js'
import type { Size } from '../image/resize.js'
import { boxIou, clipBox, type Box } from '../masks/box.js'
import type { Mask } from '../masks/mask.js'
import { withoutDuplicates, type OverlapLimits } from '../masks/overlap.js'
import { readOptions } from '../options.js'
import { checkPhrase } from '../prompts/phrases.js'
import { maxPoints, maxPromptsPerCall, type Point, type Prompt } from '../prompts/prompt.js'
import { batches } from '../tensor/batches.js'
import type { TextModel } from './crop-encoder.js'
import {
  comparedPhrases,
  cropEncoderOf,
  embedMasks,
  scoreMasks,
  type ScoredMask,
  type TextAndCrops
} from './score-crops.js'

/**
 * Methods for finding the objects that a phrase describes.
 * - `prompt`: the phrase is a text prompt (paper, D.5), followed by a second pass together with the box of each
 *   predicted mask, as in PerSAM's cascade (Zhang et al. 2023). Given clicks replace the second pass. Needs a
 *   checkpoint with a text projection
 * - `rank`: automatic masks, ranked by the CLIP similarity of their crops with the phrase: works with published
 *   checkpoints, finds several objects
 * - `detect`: each box of a detector is a box prompt
 */
export type QueryRoute = 'prompt' | 'rank' | 'detect'

/** An object found by a detector. */
export interface Detection {
  readonly box: Box
  /** 0 … 1 */
  readonly score: number
  /** The matching phrase. */
  readonly label: string
}

/** Any open-vocabulary detector. Boxes are in pixels of the photo. */
export type Detector = (
  photo: RgbImage,
  phrases: readonly string[],
  options: { signal?: AbortSignal | undefined }
) => Promise<readonly Detection[]>

export interface QueryOptions {
  /**
   * Default: `detect` if a detector is given, else `prompt` if the checkpoint has a text projection, else `rank`.
   */
  readonly route?: QueryRoute | undefined
  /** Maximum number of instances, best first. Default: all. */
  readonly limit?: number | undefined
  /**
   * Minimum text score, 0 … 1. Default: the text encoder's threshold, or else {@link queryThresholds}. With 0, all
   * candidates are returned with their scores.
   */
  readonly threshold?: number | undefined
  /** Negative phrases, which compete with the phrase for each mask. */
  readonly not?: readonly string[] | undefined
  /** Clicks in addition to the text, for route `prompt`. */
  readonly points?: readonly Point[] | undefined
  /** The detector for route `detect`. */
  readonly detect?: Detector | undefined
  /** Options of automatic mask generation for route `rank`; it runs once per image and options. */
  readonly automatic?: Omit<AutomaticMaskOptions, 'signal'> | undefined
  /** When two masks are duplicates. Default: IoU over 0.7, or over 0.9 of the smaller inside the larger. */
  readonly overlap?: Partial<OverlapLimits> | undefined
  readonly signal?: AbortSignal | undefined
}

/** An object that a phrase describes. */
export interface Instance {
  readonly mask: Mask
  /** Bounding box of the mask, [x0, y0, x1, y1] in pixel edges. */
  readonly box: Box
  /**
   * 0 … 1. Routes `prompt` and `rank`: softmax probability of the phrase against the negatives and the encoder's
   * background phrases, for the embedding of the mask's crop. Route `detect`: the detector's score.
   */
  readonly score: number
  /** The model's estimate of the mask's IoU. */
  readonly predictedIou: number
}

/**
 * Default thresholds on the text score. With 0.5 a phrase must be likelier than all its competitors together. Detectors
 * are used with lower scores.
 */
export const queryThresholds: Readonly<Record<QueryRoute, number>> = { prompt: 0.5, rank: 0.5, detect: 0.25 }

/** An encoded image that supports text search. */
export interface SearchableImage extends CroppableImage {
  readonly text: TextModel | undefined
  readonly textWidth: number | undefined
}

/**
 * The objects in the image that a phrase describes, best first (text score × predicted IoU), without duplicates.
 * Throws `InputError`: `E_BAD_PROMPT` for phrases, `E_BAD_OPTION` for options and for a route whose requirements are
 * not met; the message names routes that work.
 */
export async function query(image: SearchableImage, phrase: string, given: QueryOptions = {}): Promise<Instance[]> {
  const options = checkQueryOptions(given)
  const { limit = Infinity, not = [], overlap, signal } = options
  signal?.throwIfAborted()
  const phrases = [phrase, ...not].map(checkPhrase)
  if (new Set(phrases).size < phrases.length)
    refuse('E_BAD_OPTION', 'not: must not contain the phrase itself or duplicates')
  const route = routeOf(image, options)
  const threshold =
    options.threshold ?? (route === 'detect' ? undefined : image.text?.threshold) ?? queryThresholds[route]
  if (!(threshold >= 0 && threshold <= 1))
    refuse('E_BAD_OPTION', `threshold: must be from 0 to 1, found ${shown(threshold)}`)
  if (!(limit >= 1)) refuse('E_BAD_OPTION', `limit: must be a number from 1, found ${shown(limit)}`)

  const candidates = await routes[route](image, phrases, { ...options, threshold })
  const value = ({ score, mask }: ScoredMask): number => score * mask.predictedIou
  const limits = { iou: 0.7, containment: 0.9, ...overlap }
  const ranked = candidates.filter(c => c.score >= threshold).sort((a, b) => value(b) - value(a))
  const kept = withoutDuplicates(ranked, limits, limit)
  return kept.map(({ mask, score }) => ({ mask, box: mask.boxXyxy, score, predictedIou: mask.predictedIou }))
}

/** The options as a copy, with those in them that are objects. */
function checkQueryOptions(given: QueryOptions): QueryOptions {
  const options = readOptions('query', given, {
    route: true,
    limit: true,
    threshold: true,
    not: true,
    points: true,
    detect: true,
    automatic: true,
    overlap: true,
    signal: true
  })
  const { not = [], points = [], automatic, overlap } = options
  for (const [name, list] of Object.entries({ not, points })) {
    if (!Array.isArray(list) || list.length > maxPoints)
      refuse('E_BAD_OPTION', `${name}: must be an array of at most ${maxPoints}, found ${shown(list)}`)
  }
  return {
    ...options,
    not: [...not],
    points: points.map(point => ({ ...point })),
    automatic: automatic && checkAutomaticMaskOptions(automatic),
    overlap: overlap && checkOverlap(overlap)
  }
}

type Run = (
  image: SearchableImage,
  phrases: readonly string[],
  options: QueryOptions & { threshold: number }
) => Promise<ScoredMask[]>

const routes: Readonly<Record<QueryRoute, Run>> = {
  async prompt(image, phrases, { points, signal }) {
    const encoder = cropEncoderOf(image.text, 'prompt')
    const prompt: Prompt = { text: phrases[0], ...(points ? { points } : {}) }
    const clicked = Boolean(points?.length)
    const candidatesOf = async (prompts: readonly Prompt[]): Promise<Mask[]> => {
      const predictions = await image.predict(prompts, { multimask: clicked ? 'auto' : true, signal })
      return predictions.flatMap(({ masks }) => masks).filter(({ area }) => area > 0)
    }
    const first = await candidatesOf([prompt])
    const masks =
      clicked || !first.length
        ? first
        : [...first, ...(await candidatesOf(first.map(({ boxXyxy }) => ({ ...prompt, box: boxXyxy }))))]
    const embeddings = await embedMasks(image, masks, { encoder, signal })
    return scoreMasks(masks, embeddings, await comparedPhrases(encoder, phrases, signal))
  },

  async rank(image, phrases, { automatic, signal }) {
    const encoder = cropEncoderOf(image.text, 'rank')
    await image.photo() // fail before the long work if there is no photo
    const compared = await comparedPhrases(encoder, phrases, signal)
    const { masks, embeddings } = await automaticMasks(image, { encoder, automatic, signal })
    return scoreMasks(masks, embeddings, compared)
  },

  async detect(image, phrases, { detect, threshold, signal }) {
    if (typeof detect !== 'function')
      refuse(
        'E_BAD_OPTION',
        "route 'detect' must have a detector, found none: { detect: async (photo, phrases) => [{ box, score, label }] }"
      )
    const found = checkDetections(await detect(await image.photo(), phrases, { signal }))
    signal?.throwIfAborted()
    const others = found.filter(d => d.label !== phrases[0])
    const mine = found.filter(
      d =>
        d.label === phrases[0] &&
        d.score >= threshold &&
        isInside(d.box, image) &&
        !others.some(o => o.score > d.score && boxIou(o.box, d.box) > 0.7)
    )
    const scored: ScoredMask[] = []
    for (const batch of batches(mine, maxPromptsPerCall)) {
      const prompts = batch.map(({ box }) => ({ box }))
      const predictions = await image.predict(prompts, { multimask: true, best: true, signal })
      for (const [i, { masks }] of predictions.entries())
        if (masks[0].area > 0) scored.push({ mask: masks[0], score: batch[i].score })
    }
    return scored
  }
}

function routeOf({ text, textWidth }: SearchableImage, { route, detect }: QueryOptions): QueryRoute {
  if (route === undefined) return detect ? 'detect' : textWidth !== undefined && text ? 'prompt' : 'rank'
  if (!Object.hasOwn(routes, route))
    refuse('E_BAD_OPTION', `route: must be one of ${Object.keys(routes).join(', ')}, found ${shown(route)}`)
  return route
}

interface EmbeddedMasks {
  readonly masks: readonly Mask[]
  readonly embeddings: readonly Float32Array[]
}

/** Cache of automatic masks and their embeddings, by image and options. */
const embeddedMasks = new WeakMap<SearchableImage, Map<string, SharedWork<EmbeddedMasks>>>()

function automaticMasks(
  image: SearchableImage,
  {
    encoder,
    automatic,
    signal
  }: { encoder: TextAndCrops; automatic: AutomaticMaskOptions | undefined; signal: AbortSignal | undefined }
): Promise<EmbeddedMasks> {
  const known = embeddedMasks.get(image) ?? new Map<string, SharedWork<EmbeddedMasks>>()
  embeddedMasks.set(image, known)
  const key = JSON.stringify(automatic ?? {})
  let work = known.get(key)
  if (!work || work.failed) {
    work = new SharedWork(async signal => {
      const found = await generateMasks(image, { ...automatic, signal })
      const masks = found.map(({ mask }) => mask).filter(({ area }) => area > 0)
      return { masks, embeddings: await embedMasks(image, masks, { encoder, signal }) }
    })
    known.set(key, work)
  }
  return work.wait(signal)
}

function checkDetections(found: readonly Detection[]): readonly Detection[] {
  const list: readonly Detection[] | undefined = Array.isArray(found) ? found : undefined
  const isDetection = (d: Detection): boolean =>
    Array.isArray(d?.box) &&
    d.box.length === 4 &&
    Array.from(d.box).every(Number.isFinite) &&
    Number.isFinite(d.score) &&
    typeof d.label === 'string'
  if (list && Array.from(list).every(isDetection)) return list.map(d => ({ ...d, box: [...d.box] as unknown as Box }))
  refuse('E_BACKEND_FAILED', 'detect: must return a list of { box: [x0, y0, x1, y1], score, label }')
}

/** Whether the box intersects the photo. */
function isInside(box: Box, photo: Size): boolean {
  const [x0, y0, x1, y1] = clipBox(box, photo)
  return x0 < x1 && y0 < y1
}
