import { Mask, type EncodedImage, type Point, type Prompt, type Sam } from '@sam/core'
import { InputError } from '@sam/core/graph'
import { isUnfit } from '../data/check-sample.js'
import type { Dataset, Sample } from '../data/dataset.js'
import { nextClick } from './click-policy.js'
import { iouOf } from './iou.js'
import { recalled, summary, type Evaluation, type ObjectScore } from './summary.js'

export interface EvaluateOptions {
  readonly sam: Sam
  readonly data: Dataset
  /** Maximum number of objects, from the first sample on. Default: 500. */
  readonly objects?: number
  /** Clicks per object. Default: 9. */
  readonly clicks?: number
  readonly signal?: AbortSignal
  /** Called with the number of objects done. */
  readonly onProgress?: (objects: number) => void
}

/** An object of a sample. */
interface SampleObject {
  /** The sample's name. */
  readonly image: string
  readonly mask: Mask
  readonly level: string | undefined
}

/** Objects per decode: each holds several masks of the photo's size in memory. */
const atOnce = 16

/**
 * Simulates a user of the SDK: the clicks of {@link nextClick}, each decoded with all earlier ones and the last
 * prediction as the mask prompt; and the exact box. Every IoU is of the mask that the model ranks first, in the photo's
 * pixels. Unreadable images, images without a mask, and masks that cannot be used are skipped and counted. Paper:
 * Section 7.1 and Appendix D.1, for the protocol of clicks. Throws `InputError` `E_BAD_IMAGE` where no object is left.
 */
export async function evaluate({
  sam,
  data,
  objects: limit = 500,
  clicks = 9,
  signal,
  onProgress
}: EvaluateOptions): Promise<Evaluation> {
  for (const [name, value] of [
    ['objects', limit],
    ['clicks', clicks]
  ] as const) {
    if (!Number.isInteger(value) || value < 1)
      throw new InputError('E_BAD_OPTION', `${name} must be an integer from 1, found ${value}`)
  }
  const scores: ObjectScore[] = []
  const skipped = { images: data.skipped?.images ?? 0, masks: data.skipped?.masks ?? 0 }
  let [images, emptyInARow] = [0, 0]
  let reason: string | undefined
  for (let i = 0; i < data.size && scores.length < limit; i++) {
    signal?.throwIfAborted()
    const found = await encodeSample(sam, data, { index: i, signal })
    skipped.masks += found.unfit
    reason ??= found.why
    if (!found.image) {
      skipped.images++
      if (++emptyInARow >= 100 && data.size === Infinity) break
      continue
    }
    emptyInARow = 0
    images++
    const { image, objects } = found
    try {
      for (let at = 0; at < objects.length && scores.length < limit; at += atOnce) {
        const group = objects.slice(at, Math.min(at + atOnce, at + limit - scores.length))
        scores.push(...(await simulateClicks(image, group, { clicks, all: objects, signal })))
        onProgress?.(scores.length)
      }
    } finally {
      image.dispose()
    }
  }
  if (!scores.length)
    throw new InputError(
      'E_BAD_IMAGE',
      `an evaluation needs at least one image with a mask, found none; ${skipped.images} images were ` +
        `unreadable or without masks, ${skipped.masks} masks could not be used${reason === undefined ? '' : `. The first: ${reason}`}`
    )
  return { images, skipped, ...summary(scores, clicks), scores }
}

/** The objects of a sample, and its encoded image. */
interface EncodedSample {
  readonly image: EncodedImage | undefined
  readonly objects: readonly SampleObject[]
  /** Number of skipped masks. */
  readonly unfit: number
  /** Why the image or its first skipped mask cannot be used. */
  readonly why?: string | undefined
}

/** Reads a sample and encodes its image if it has a mask. */
async function encodeSample(
  sam: Sam,
  data: Dataset,
  { index, signal }: { index: number; signal: AbortSignal | undefined }
): Promise<EncodedSample> {
  try {
    const sample = await data.read(index)
    const objects = objectsOf(sample)
    const unfit = sample.truths.length - objects.length + (sample.skipped?.length ?? 0)
    return {
      objects,
      unfit,
      why: sample.skipped?.[0],
      image: objects.length ? await sam.encode(sample.image, { ...(signal && { signal }) }) : undefined
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (isUnfit(error)) return { objects: [], unfit: 0, image: undefined, why: error.message }
    throw error
  }
}

const objectsOf = ({ name, image: { width, height }, truths }: Sample): SampleObject[] =>
  truths.flatMap(({ mask: data, level }) => {
    if (data.length !== width * height) return []
    const mask = new Mask({ width, height, data })
    return mask.area ? [{ image: name, mask, level }] : []
  })

interface SimulationOptions {
  readonly clicks: number
  /** All objects of the image: others that a click may mean. */
  readonly all: readonly SampleObject[]
  readonly signal: AbortSignal | undefined
}

/** Simulates the box and the clicks of a group of objects, all in one decode per step. */
async function simulateClicks(
  image: EncodedImage,
  group: readonly SampleObject[],
  { clicks, all, signal }: SimulationOptions
): Promise<ObjectScore[]> {
  const options = { ...(signal && { signal }) }
  const truths = group.map(({ mask }) => ({ width: mask.width, height: mask.height, data: mask.bitmap() }))
  const fromBoxes = async (multimask: boolean): Promise<number[][]> =>
    (
      await image.predict(
        group.map(({ mask }): Prompt => ({ box: mask.boxXyxy })),
        { ...options, multimask }
      )
    ).map(({ masks }, k) => masks.map(mask => iouOf(mask.bitmap(), truths[k].data)))
  const [boxes, singleBoxes] = [await fromBoxes(true), await fromBoxes(false)]

  let prompts = truths.map((truth): Prompt & { points: readonly Point[] } => ({ points: [nextClick(truth)!] }))
  const byClick: number[][] = group.map(() => [])
  let first: Pick<ObjectScore, 'oracle' | 'nearest' | 'meant'>[] = []
  for (let click = 1; click <= clicks; click++) {
    const predictions = await image.predict(prompts, options)
    if (click === 1)
      first = predictions.map(({ masks }, k) =>
        afterOneClick(masks, truths[k].data, { point: prompts[k].points[0], all })
      )
    prompts = prompts.map(({ points }, k) => {
      const [mask] = predictions[k].masks
      byClick[k].push(iouOf(mask.bitmap(), truths[k].data))
      const next = nextClick(truths[k], mask.bitmap())
      return { points: next ? [...points, next] : points, mask }
    })
  }
  return group.map(({ image, level }, k) => ({
    image,
    level,
    clicks: byClick[k],
    ...first[k],
    box: { predicted: boxes[k][0], oracle: Math.max(...boxes[k]), single: singleBoxes[k][0] }
  }))
}

/** Scores the masks of a first click against its object, and against all objects under the click. */
function afterOneClick(
  masks: readonly Mask[],
  truth: Uint8Array,
  { point, all }: { point: Point; all: readonly SampleObject[] }
): Pick<ObjectScore, 'oracle' | 'nearest' | 'meant'> {
  const ious = (other: Uint8Array): number[] => masks.map(mask => iouOf(mask.bitmap(), other))
  const under = all
    .filter(({ mask }) => mask.bitmap()[point.y * mask.width + point.x])
    .map(({ mask, level }) => ({ level, found: ious(mask.bitmap()) }))
  return {
    oracle: Math.max(...ious(truth)),
    nearest: Math.max(...under.map(({ found }) => found[0])),
    meant: under.map(({ level, found }) => ({ level, recalled: Math.max(...found) >= recalled }))
  }
}
