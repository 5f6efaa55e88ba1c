import { Mask, type EncodedImage, type Point, type Prompt, type Sam } from '@sam/core'
import { InputError } from '@sam/core/graph'
import { isUnfit } from '../data/check-sample.js'
import type { Dataset, Sample } from '../data/dataset.js'
import { firstClick, nextClick } from './clicks.js'
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

/** One object of a sample. */
interface Thing {
  readonly mask: Mask
  readonly level: string | undefined
}

/** Objects of one image that are asked for in one decode: each holds some masks of the photo's size. */
const atOnce = 16

/**
 * Plays a careful user of the SDK: the first click in the middle of an object, each next one in the middle of the
 * largest error region with the last prediction given as a mask, and the exact box. Every IoU is of the mask that the
 * user gets, in the photo's pixels, the one that the model ranks first. Images that cannot be read or have no mask, and
 * masks that are empty or of another size, are skipped and counted. Paper: Section 7.1 and Appendix D.1, for the
 * protocol of clicks. Throws `InputError` `E_BAD_IMAGE` where there is nothing to evaluate.
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
      throw new InputError('E_BAD_OPTION', `${name} must be a whole number from 1, found ${value}`)
  }
  const scores: ObjectScore[] = []
  const skipped = { images: 0, masks: 0 }
  let [images, barren] = [0, 0]
  for (let i = 0; i < data.size && scores.length < limit; i++) {
    signal?.throwIfAborted()
    const found = await prepared(sam, data, { index: i, signal })
    skipped.masks += found?.unfit ?? 0
    if (!found?.image) {
      skipped.images++
      if (++barren >= 100 && data.size === Infinity) break
      continue
    }
    barren = 0
    images++
    const { image, things } = found
    try {
      for (let at = 0; at < things.length && scores.length < limit; at += atOnce) {
        const group = things.slice(at, Math.min(at + atOnce, at + limit - scores.length))
        scores.push(...(await play(image, group, { clicks, all: things, signal })))
        onProgress?.(scores.length)
      }
    } finally {
      image.dispose()
    }
  }
  if (!scores.length)
    throw new InputError(
      'E_BAD_IMAGE',
      `an evaluation needs at least one image with a mask, found none; ${skipped.images} images were unfit or without masks, ${skipped.masks} masks empty or of another size`
    )
  return { images, skipped, ...summary(scores, clicks) }
}

interface Prepared {
  readonly image: EncodedImage | undefined
  readonly things: readonly Thing[]
  /** Masks that are left out. */
  readonly unfit: number
}

/** A sample with its embedding, unless it has no mask; undefined for one that cannot be read. */
async function prepared(
  sam: Sam,
  data: Dataset,
  { index, signal }: { index: number; signal: AbortSignal | undefined }
): Promise<Prepared | undefined> {
  try {
    const sample = await data.read(index)
    const things = thingsOf(sample)
    const unfit = sample.truths.length - things.length
    return {
      things,
      unfit,
      image: things.length ? await sam.encode(sample.image, { ...(signal && { signal }) }) : undefined
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (isUnfit(error)) return undefined
    throw error
  }
}

const thingsOf = ({ image: { width, height }, truths }: Sample): Thing[] =>
  truths.flatMap(({ mask: data, level }) => {
    if (data.length !== width * height) return []
    const mask = new Mask({ width, height, data })
    return mask.area ? [{ mask, level }] : []
  })

interface PlayOptions {
  readonly clicks: number
  /** All objects of the image: what else a click may have meant. */
  readonly all: readonly Thing[]
  readonly signal: AbortSignal | undefined
}

async function play(
  image: EncodedImage,
  group: readonly Thing[],
  { clicks, all, signal }: PlayOptions
): Promise<ObjectScore[]> {
  const options = { ...(signal && { signal }) }
  const truths = group.map(({ mask }) => ({ width: mask.width, height: mask.height, data: mask.bitmap() }))
  const boxes = (
    await image.predict(
      group.map(({ mask }): Prompt => ({ box: mask.boxXyxy })),
      options
    )
  ).map(({ masks }, k) => masks.map(mask => iouOf(mask.bitmap(), truths[k].data)))

  let prompts = truths.map((truth): Prompt & { points: readonly Point[] } => ({ points: [firstClick(truth)] }))
  const byClick: number[][] = group.map(() => [])
  let first: Omit<ObjectScore, 'clicks' | 'box' | 'level'>[] = []
  for (let click = 1; click <= clicks; click++) {
    const answers = await image.predict(prompts, options)
    if (click === 1)
      first = answers.map(({ masks }, k) => afterOneClick(masks, truths[k].data, { point: prompts[k].points[0], all }))
    prompts = prompts.map(({ points }, k) => {
      const [mask] = answers[k].masks
      byClick[k].push(iouOf(mask.bitmap(), truths[k].data))
      const next = nextClick(truths[k], mask.bitmap())
      return { points: next ? [...points, next] : points, mask }
    })
  }
  return group.map(({ level }, k) => ({
    level,
    clicks: byClick[k],
    ...first[k],
    box: { predicted: boxes[k][0], oracle: Math.max(...boxes[k]) }
  }))
}

/** How the masks of a first click fit the object that was meant, and those that the click may as well have meant. */
function afterOneClick(
  masks: readonly Mask[],
  truth: Uint8Array,
  { point, all }: { point: Point; all: readonly Thing[] }
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
