import { cropFeeds, openTokenizer, type Cut } from '@sam/clip'
import { f32, InputError, tensor, type HostTensor } from '@sam/core/graph'
import { createRng, shuffled, type Rng } from '@sam/rng'
import type { Dataset } from '@sam/train'
import { isLargeEnough, sampleCropRule } from '@sam/train/toolkit'
import {
  describes,
  phraseFor,
  objectsIn,
  sentence,
  type DescribedTruth,
  type Phrase,
  type SceneObject
} from '../text/phrase.js'
import { hardNegativeCaption } from '../text/hard-negative.js'
import { singleWords } from '../text/single-words.js'
import { isHeldOut } from '../text/words.js'
import { perturbMask } from '../masks/perturb-mask.js'
import type { ClipRecipe } from './recipe.js'

/** An object with its crop and its description. */
interface Subject extends Pick<Cut, 'photo' | 'mask'> {
  readonly seen: SceneObject
  /** Masks of the other objects in its scene. */
  readonly neighbours: readonly Cut['mask'][]
}

export type ContrastiveFeeds = Record<'pixel_values' | 'mask_patches' | 'input_ids' | 'matches', HostTensor>

/**
 * Crops and captions of a step, a function of the step's number and the seed. Each step samples from the objects of a
 * few scenes, which are replaced after some steps; an object's crop (`sampleCropRule`), its mask (`perturbMask`) and
 * its caption are sampled anew each time. The texts are captions, then their hard negatives (`hardNegativeCaption`),
 * then single words (`singleWords`). Held-out pairs of colour and shape are left out. Throws `InputError`
 * `E_BAD_IMAGE` for data without descriptions.
 */
export function contrastiveBatches(
  data: Dataset<DescribedTruth>,
  recipe: ClipRecipe,
  seed: number
): (step: number) => Promise<ContrastiveFeeds> {
  const { config, batch, phrases: captionCount, scenes, steps, tokens, detail, crop, perturb } = recipe
  const tokenize = openTokenizer(recipe.tokenizer, config.text)
  let held: { readonly block: number; readonly subjects: Promise<readonly Subject[]> } | undefined
  const subjectsOf = (block: number): Promise<readonly Subject[]> => {
    if (held?.block !== block) held = { block, subjects: subjectsIn(data, { from: block * scenes, count: scenes }) }
    return held.subjects
  }

  return async step => {
    const subjects = await subjectsOf(Math.floor(step / steps))
    const rng = createRng(seed, step, batchKey)
    const order: number[] = []
    while (order.length < batch) order.push(...shuffled(rng, subjects.length))
    const chosen = order.slice(0, batch).map(i => subjects[i])
    const captions = chosen
      .slice(0, captionCount)
      .map(({ seen }) => sampleCaption(rng, seen, { detail, fits: text => tokenize(text).length <= tokens }))
    const phrases = [
      ...captions,
      ...captions.map((phrase, i) => hardNegativeCaption(rng, phrase, chosen[i].seen.about)),
      ...singleWords.flat()
    ]
    const texts = phrases.length
    const ids = new Int32Array(texts * tokens).fill(config.text.end)
    const matches = new Float32Array(batch * texts)
    for (const [j, phrase] of phrases.entries()) ids.set(tokenize(sentence(phrase)), j * tokens)
    for (const [i, { seen }] of chosen.entries())
      for (const [j, phrase] of phrases.entries()) matches[i * texts + j] = matchOf(describes(phrase, seen.about))
    const cuts = chosen.map(
      ({ photo, mask, neighbours }): Cut => ({
        photo,
        mask: rng.chance(perturb) ? perturbMask(rng, mask, neighbours) : mask,
        rule: sampleCropRule(rng, crop)
      })
    )
    return {
      ...cropFeeds(cuts, config),
      input_ids: tensor('i32', [texts, tokens], ids),
      matches: f32([batch, texts], matches)
    }
  }
}

/** Sizes of a step's label groups: captions with their hard negatives, and each group of single words. */
export const labelGroupsOf = ({ phrases }: Pick<ClipRecipe, 'phrases'>): readonly number[] => [
  2 * phrases,
  ...singleWords.map(words => words.length)
]

/** An entry of `matches` of `contrastiveLoss`. */
const matchOf = (isTrue: boolean | undefined): number => (isTrue === undefined ? -1 : Number(isTrue))

/** RNG stream of the batches. */
const batchKey = 0x434c4950

/** Samples a phrase that fits the text model's context, reducing its detail until it does. */
function sampleCaption(
  rng: Rng,
  seen: SceneObject,
  { detail, fits }: { detail: ClipRecipe['detail']; fits: (text: string) => boolean }
): Phrase {
  for (let less = 1; ; less /= 2) {
    const phrase = phraseFor(rng, seen, {
      ...detail,
      of: detail.of * less,
      limbs: detail.limbs * less,
      place: detail.place * less
    })
    if (fits(sentence(phrase))) return phrase
  }
}

async function subjectsIn(
  data: Dataset<DescribedTruth>,
  { from, count }: { from: number; count: number }
): Promise<readonly Subject[]> {
  const subjects: Subject[] = []
  for (let i = from; i < from + count; i++) {
    const sample = await data.read(i)
    const { image, truths } = sample
    const masks = truths.map(({ mask }) => ({ width: image.width, height: image.height, data: mask }))
    for (const [k, seen] of objectsIn(sample).entries()) {
      if (seen && !seen.obscured && !isHeldOut(seen.about) && isLargeEnough(masks[k]))
        subjects.push({ photo: image, mask: masks[k], seen, neighbours: masks.filter((_, j) => j !== k) })
    }
  }
  if (!subjects.length)
    throw new InputError(
      'E_BAD_IMAGE',
      `contrastive training needs masks with descriptions, as generated scenes have; found none in ${count} samples`
    )
  return subjects
}
