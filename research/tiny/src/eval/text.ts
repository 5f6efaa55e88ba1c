import type { CropEncoder, EncodedImage, AutomaticMaskOptions, Mask, PhraseEncoder, Sam } from '@sam/core'
import { InputError } from '@sam/core/graph'
import type { Dataset, Sample } from '@sam/train'
import { iouOf, nextClick } from '@sam/train/toolkit'
import { createRng } from '@sam/rng'
import { namingNone, namingOne } from '../text/naming.js'
import { seenIn, sentence, type DescribedTruth, type Seen } from '../text/phrase.js'
import { isHeldOut } from '../text/words.js'
import { rocAuc } from './roc.js'

export interface TextEvaluationOptions {
  /** Loaded with `clip` as its text. */
  readonly sam: Sam
  readonly clip: PhraseEncoder & CropEncoder
  /** Scenes that say what their masks are of, and that nothing was trained on. */
  readonly data: Dataset<DescribedTruth>
  /** Phrases that name one object; 300 unless told. */
  readonly phrases?: number
  /** How route `rank` generates masks. */
  readonly automatic?: Omit<AutomaticMaskOptions, 'signal'> | undefined
  readonly signal?: AbortSignal | undefined
  /** Told the phrases that are done. */
  readonly onProgress?: (phrases: number) => void
}

/** Mean IoU of the masks that the model ranks first, over the phrases of a kind. */
export interface TextScores {
  readonly phrases: number
  /**
   * The phrase alone as a prompt; with one click in the middle of the largest error; and as a query, by route `prompt`
   * and by route `rank`.
   */
  readonly text: number
  readonly textAndPoint: number
  readonly query: number
  readonly rank: number
  /** In its place: CLIP's embedding of the true object's crop, and a phrase of another scene. */
  readonly crop: number
  readonly shuffled: number
}

export interface TextEvaluation {
  readonly images: number
  readonly all: TextScores
  readonly wholes: TextScores
  readonly parts: TextScores
  /**
   * Objects of pairs of colour and shape that contrastive training never showed together, and wholes with both words
   * known as a pair.
   */
  readonly heldOutPairs: TextScores
  readonly knownPairs: TextScores
  /** ROC-AUC of a query's score, phrases of this scene against as many that name nothing in it. */
  readonly notHere: { readonly phrases: number; readonly prompt: number; readonly rank: number }
}

/** A phrase that names one object of its scene, and one that names none. */
interface Item {
  readonly at: number
  readonly seen: Seen
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
 * How well phrases are understood: each names exactly one object of its scene, and the first mask is compared with that
 * object. Paper: D.5; phrases of generated scenes are our own. Throws `InputError` `E_BAD_OPTION` where the data says
 * of nothing what it is, or the model takes no text.
 */
export async function evaluateText(options: TextEvaluationOptions): Promise<TextEvaluation> {
  const { sam, data, phrases: limit = 300, signal, onProgress } = options
  if (sam.textWidth === undefined)
    throw new InputError(
      'E_BAD_OPTION',
      'text is evaluated with a model that takes it: a checkpoint with prompt_encoder.text_projection'
    )
  const scenes = await gathered(data, limit, signal)
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

/** The first scenes with a phrase for some of their objects, until there are enough. */
async function gathered(
  data: Dataset<DescribedTruth>,
  limit: number,
  signal: AbortSignal | undefined
): Promise<Described[]> {
  const scenes: Described[] = []
  let [count, last, barren] = [0, [] as readonly Seen[], 0]
  for (let at = 0; at < data.size && count < limit && barren < 100; at++) {
    signal?.throwIfAborted()
    const sample = await data.read(at)
    const known = seenIn(sample)
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
    barren = items.length ? 0 : barren + 1
    if (items.length) scenes.push({ sample, items })
    count += items.length
    const clear = all.filter(s => !s.obscured)
    if (clear.length) last = clear
  }
  if (count === 0)
    throw new InputError(
      'E_BAD_OPTION',
      'text is evaluated on data that says what its masks are of, as generated scenes do; found none'
    )
  return scenes
}

/** Keeps these draws apart from others with as many keys. */
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
  const best = async (asked: string, route: 'prompt' | 'rank'): Promise<{ mask?: Mask; score: number }> =>
    (
      await image.query(asked, {
        route,
        threshold: 0,
        limit: 1,
        automatic: route === 'rank' ? automatic : undefined,
        signal
      })
    )[0] ?? { score: 0 }
  const both = async (asked: string) => ({ prompt: await best(asked, 'prompt'), rank: await best(asked, 'rank') })
  const [here, gone] = [await both(phrase), absent === undefined ? undefined : await both(absent)]
  return {
    item,
    text: iou(text),
    textAndPoint: iou(corrected),
    query: iou(here.prompt.mask),
    rank: iou(here.rank.mask),
    crop: iou(byCrop),
    shuffled: iou(wrong),
    present: { prompt: here.prompt.score, rank: here.rank.score },
    absent: gone && { prompt: gone.prompt.score, rank: gone.rank.score }
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
