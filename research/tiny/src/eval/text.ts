import type { AutomaticMaskOptions, EncodedImage, Mask, Sam } from '@sam/core'
import type { CropEncoder, PhraseEncoder } from '@sam/core/model'
import { InputError } from '@sam/core/graph'
import type { Dataset, Sample } from '@sam/train'
import { iouOf, nextClick } from '@sam/train/toolkit'
import { createRng } from '@sam/rng'
import { namingNone, namingOne } from '../text/naming.js'
import { objectsIn, sentence, type DescribedTruth, type SceneObject } from '../text/phrase.js'
import { isHeldOut } from '../text/words.js'
import { rocAuc } from './roc.js'

export interface TextEvaluationOptions {
  /** Loaded with `clip` as `text`. */
  readonly sam: Sam
  readonly clip: PhraseEncoder & CropEncoder
  /** Held-out scenes with descriptions of their masks. */
  readonly data: Dataset<DescribedTruth>
  /** Number of phrases that name one object. Default: 300. */
  readonly phrases?: number
  /** Automatic mask generation of route `rank`. */
  readonly automatic?: Omit<AutomaticMaskOptions, 'signal'> | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the number of phrases done. */
  readonly onProgress?: (phrases: number) => void
}

/** Mean IoU of the masks that the model ranks first, over the phrases of a kind. */
export interface TextScores {
  readonly phrases: number
  /**
   * The phrase alone as a prompt; with one click at the centre of the largest error; and as a query, by route `prompt`
   * and by route `rank`.
   */
  readonly text: number
  readonly textAndPoint: number
  readonly query: number
  readonly rank: number
  /** Instead of the phrase: CLIP's embedding of the true object's crop, and a phrase of another scene. */
  readonly crop: number
  readonly shuffled: number
}

export interface TextEvaluation {
  readonly images: number
  readonly all: TextScores
  readonly wholes: TextScores
  readonly parts: TextScores
  /**
   * Wholes whose pair of colour and shape was held out of contrastive training, and the other wholes.
   */
  readonly heldOutPairs: TextScores
  readonly knownPairs: TextScores
  /** ROC-AUC of a query's score, phrases of this scene against as many that name nothing in it. */
  readonly notHere: { readonly phrases: number; readonly prompt: number; readonly rank: number }
}

/** A phrase that names one object of its scene, and one that names none. */
interface Item {
  readonly at: number
  readonly seen: SceneObject
  readonly truth: { readonly mask: Uint8Array; readonly isPart: boolean }
  readonly phrase: string
  readonly absent: string | undefined
}

interface Described {
  readonly sample: Sample<DescribedTruth>
  readonly items: readonly Item[]
}

interface ItemScore extends Omit<TextScores, 'phrases'> {
  readonly item: Item
  readonly present: Readonly<Record<'prompt' | 'rank', number>>
  readonly absent: Readonly<Record<'prompt' | 'rank', number>> | undefined
}

/**
 * Evaluates text prompts: each phrase names exactly one object of its scene, and the first mask is compared with that
 * object. Paper: D.5; phrases of generated scenes are our own. Throws `InputError`: `E_BAD_OPTION` for a model without
 * text prompts, `E_BAD_IMAGE` for data without descriptions.
 */
export async function evaluateText(options: TextEvaluationOptions): Promise<TextEvaluation> {
  const { sam, data, phrases: limit = 300, signal, onProgress } = options
  if (sam.textWidth === undefined)
    throw new InputError(
      'E_BAD_OPTION',
      'an evaluation of text needs a checkpoint with prompt_encoder.text_projection, found none'
    )
  const scenes = await gatherPhrases(data, limit, signal)
  const all = scenes.flatMap(({ items }) => items)
  const scores: ItemScore[] = []
  for (const { sample, items } of scenes) {
    const image = await sam.encode(sample.image, { signal })
    try {
      for (const item of items) {
        const shuffled = all[(all.indexOf(item) + Math.ceil(all.length / 2)) % all.length].phrase
        scores.push(await score(image, { item, sample, shuffled }, options))
        onProgress?.(scores.length)
      }
    } finally {
      image.dispose()
    }
  }
  const of = (test: (item: Item) => boolean): TextScores => meanOf(scores.filter(({ item }) => test(item)))
  const negatives = scores.flatMap(({ absent }) => absent ?? [])
  const auc = (route: 'prompt' | 'rank'): number =>
    rocAuc(
      scores.map(s => s.present[route]),
      negatives.map(n => n[route])
    )
  return {
    images: scenes.length,
    all: of(() => true),
    wholes: of(i => !i.truth.isPart),
    parts: of(i => i.truth.isPart),
    heldOutPairs: of(i => !i.truth.isPart && isHeldOut(i.seen.about)),
    knownPairs: of(i => !i.truth.isPart && !isHeldOut(i.seen.about)),
    notHere: { phrases: negatives.length, prompt: auc('prompt'), rank: auc('rank') }
  }
}

/** The first scenes with phrases that name one of their objects, until there are enough. */
async function gatherPhrases(
  data: Dataset<DescribedTruth>,
  limit: number,
  signal: AbortSignal | undefined
): Promise<Described[]> {
  const scenes: Described[] = []
  let [count, last, emptyInARow] = [0, [] as readonly SceneObject[], 0]
  for (let at = 0; at < data.size && count < limit && emptyInARow < 100; at++) {
    signal?.throwIfAborted()
    const sample = await data.read(at)
    const known = objectsIn(sample)
    const all = known.filter(s => s !== undefined)
    const items = known
      .flatMap((seen, k): Item[] => {
        const rng = createRng(at, k, phraseKey)
        const phrase = seen && !seen.obscured && namingOne(rng, seen, all)
        if (!phrase) return []
        const absent = namingNone(rng, last, all)
        return [
          {
            at,
            seen,
            truth: { mask: sample.truths[k].mask, isPart: seen.about.of !== undefined },
            phrase: sentence(phrase),
            absent: absent && sentence(absent)
          }
        ]
      })
      .slice(0, limit - count)
    emptyInARow = items.length ? 0 : emptyInARow + 1
    if (items.length) scenes.push({ sample, items })
    count += items.length
    const clear = all.filter(s => !s.obscured)
    if (clear.length) last = clear
  }
  if (count === 0)
    throw new InputError(
      'E_BAD_IMAGE',
      'an evaluation of text needs masks with descriptions, as generated scenes have; found none'
    )
  return scenes
}

/** RNG stream of the phrases. */
const phraseKey = 0x545854

async function score(
  image: EncodedImage,
  { item, sample, shuffled }: { item: Item; sample: Sample<DescribedTruth>; shuffled: string },
  { clip, automatic, signal }: TextEvaluationOptions
): Promise<ItemScore> {
  const { width, height } = sample.image
  const truth = { width, height, data: item.truth.mask }
  const iou = (mask: Mask | undefined): number => (mask ? iouOf(mask.bitmap(), truth.data) : 0)
  const [crop] = await clip.embedCrops(sample.image, [truth], { signal })
  const { phrase, absent } = item
  const [text, byCrop, wrong] = (
    await image.predict([{ text: phrase }, { text: crop }, { text: shuffled }], { signal })
  ).map(({ masks: [mask] }) => mask)
  const click = nextClick(truth, text.bitmap())
  const corrected = click
    ? (await image.predict({ text: phrase, points: [click], mask: text }, { signal })).masks[0]
    : text
  const best = async (query: string, route: 'prompt' | 'rank'): Promise<{ mask?: Mask; score: number }> =>
    (
      await image.query(query, {
        route,
        threshold: 0,
        limit: 1,
        automatic: route === 'rank' ? automatic : undefined,
        signal
      })
    )[0] ?? { score: 0 }
  const both = async (query: string) => ({ prompt: await best(query, 'prompt'), rank: await best(query, 'rank') })
  const [presentBest, absentBest] = [await both(phrase), absent === undefined ? undefined : await both(absent)]
  return {
    item,
    text: iou(text),
    textAndPoint: iou(corrected),
    query: iou(presentBest.prompt.mask),
    rank: iou(presentBest.rank.mask),
    crop: iou(byCrop),
    shuffled: iou(wrong),
    present: { prompt: presentBest.prompt.score, rank: presentBest.rank.score },
    absent: absentBest && { prompt: absentBest.prompt.score, rank: absentBest.rank.score }
  }
}

function meanOf(scores: readonly ItemScore[]): TextScores {
  const mean = (key: Exclude<keyof TextScores, 'phrases'>): number =>
    scores.reduce((sum, s) => sum + s[key], 0) / Math.max(1, scores.length)
  return {
    phrases: scores.length,
    text: mean('text'),
    textAndPoint: mean('textAndPoint'),
    query: mean('query'),
    rank: mean('rank'),
    crop: mean('crop'),
    shuffled: mean('shuffled')
  }
}
