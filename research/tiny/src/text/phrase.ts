import type { Sample, Truth } from '@sam/train'
import { areaOf, boundsOf } from '@sam/train/toolkit'
import { type Description, withArticle } from '@sam/scenes'
import type { Rng } from '@sam/rng'
import { nounMeanings, type places, type sizes } from './words.js'

/** Some of an object's attributes; each one narrows down what the phrase names. */
export interface Phrase {
  readonly noun: string
  readonly color?: string | undefined
  /** Only beside `color`. */
  readonly second?: string | undefined
  readonly pattern?: string | undefined
  readonly limbs?: true | undefined
  readonly size?: (typeof sizes)[number] | undefined
  readonly place?: (typeof places)[number] | undefined
  readonly of?: { readonly link: 'of' | 'on'; readonly whole: Phrase } | undefined
}

/** A mask with a description, as generated data has; photos have none. */
export interface DescribedTruth extends Truth {
  readonly about?: Description
  readonly obscured?: true
}

/** An object of a scene: what it is, its size and its position in the image. */
export interface SceneObject {
  readonly about: Description
  readonly size: Phrase['size']
  readonly place: Phrase['place']
  /** Set where too little of it is visible to be named. */
  readonly obscured?: true | undefined
}

/** `a small striped red and blue star with limbs on the left`. */
export function sentence({ noun, color, second, pattern, limbs, size, place, of }: Phrase): string {
  const words = [
    size,
    pattern,
    second ? `${color} and ${second}` : color,
    noun,
    limbs && 'with limbs',
    of && `${of.link} ${sentence(of.whole)}`,
    place
  ]
  return withArticle(words.filter(Boolean).join(' '), noun === 'body')
}

/**
 * Whether a phrase is true of an object, as far as its crop shows: size and position are ignored. Undefined where the
 * crop is ambiguous: colours of a gray image, a faint pattern, a word that others may use, the whole of a part.
 */
export function describes(
  { noun, color, second, pattern, limbs, of }: Phrase,
  about: Description
): boolean | undefined {
  const { maybe = [] } = about
  const colored = (word: string | undefined): boolean | undefined =>
    word === undefined ||
    word === about.color ||
    word === about.second ||
    (about.color === undefined || maybe.includes(word) ? undefined : false)
  const patterned =
    pattern === undefined ||
    pattern === about.pattern ||
    (about.pattern === undefined || maybe.includes(pattern) ? undefined : false)
  return every([
    means(noun, about),
    colored(color),
    colored(second),
    patterned,
    !limbs || about.limbs === true,
    isPartOf(of, about) || undefined
  ])
}

/** Whether an object is a part of the whole in a phrase. */
const isPartOf = (of: Phrase['of'], about: Description): boolean | undefined =>
  !of || (about.of?.link === of.link && isTrueOf(of.whole, about.of.whole))

/** Whether a phrase is true of an object whose surroundings are visible. */
const isTrueOf = (phrase: Phrase, about: Description): boolean | undefined =>
  every([describes(phrase, about), isPartOf(phrase.of, about)])

const every = (values: readonly (boolean | undefined)[]): boolean | undefined =>
  values.includes(false) ? false : values.includes(undefined) ? undefined : true

/** Whether a noun stands for an object. In isolation, wholes and parts look the same. */
function means(noun: string, { noun: own, maybe = [], of }: Description): boolean | undefined {
  if (noun === 'part' || noun === 'thing') return (noun === 'part') === (of !== undefined) || undefined
  const kinds = nounMeanings[noun]
  return kinds.includes(own) || (kinds.some(kind => maybe.includes(kind)) ? undefined : false)
}

/** Whether a phrase is true of an object of a scene, with size and position; undefined if ambiguous. */
export const names = (phrase: Phrase, seen: SceneObject): boolean | undefined =>
  every([
    isTrueOf(phrase, seen.about),
    phrase.size === undefined || phrase.size === seen.size,
    phrase.place === undefined || phrase.place === seen.place
  ])

/**
 * The objects of a generated scene, in the order of its truths; undefined for those without a description.
 */
export const objectsIn = ({
  image,
  truths
}: Pick<Sample<DescribedTruth>, 'image' | 'truths'>): (SceneObject | undefined)[] =>
  truths.map(({ about, mask, obscured }) => {
    if (!about) return undefined
    const share = areaOf(mask) / mask.length
    return {
      about,
      size: share < 0.03 ? 'small' : share > 0.15 ? 'large' : undefined,
      place: placeOf({ width: image.width, height: image.height, data: mask }),
      obscured
    }
  })

/** The third of the image that contains the centre of a mask's box, where there is a phrase for it. */
function placeOf(mask: Parameters<typeof boundsOf>[0]): Phrase['place'] {
  const [x0, y0, x1, y1] = boundsOf(mask) ?? [0, 0, -1, -1]
  const [x, y] = [(x0 + x1 + 1) / 2 / mask.width - 0.5, (y0 + y1 + 1) / 2 / mask.height - 0.5]
  if (Math.max(Math.abs(x), Math.abs(y)) < 1 / 6) return 'in the middle'
  if (Math.abs(x) > 2 * Math.abs(y)) return x < 0 ? 'on the left' : 'on the right'
  if (Math.abs(y) > 2 * Math.abs(x)) return y < 0 ? 'at the top' : 'at the bottom'
  return undefined
}

/** Probability of each attribute in a phrase. */
export interface Detail {
  readonly color: number
  readonly second: number
  readonly pattern: number
  readonly limbs: number
  readonly size: number
  readonly place: number
  readonly of: number
  /** A synonym, or a word for many kinds, instead of the noun. */
  readonly synonym: number
  /** A single attribute: the noun, the colour, or the pattern. */
  readonly alone: number
}

/** Samples a phrase that is true of this object. */
export function phraseFor(rng: Rng, { about, size, place }: SceneObject, detail: Detail): Phrase {
  if (rng.chance(detail.alone)) return alone(rng, about)
  const sampled = <T>(probability: number, value: T): T | undefined => (rng.chance(probability) ? value : undefined)
  const words = Object.keys(nounMeanings).filter(word => word !== about.noun && means(word, about) === true)
  const noun = rng.chance(detail.synonym) && words.length ? rng.pick(words) : about.noun
  const color = sampled(detail.color, about.color)
  const pattern = sampled(detail.pattern * (about.pattern === 'plain' ? 0.25 : 1), about.pattern)
  const second = sampled(detail.second, color && about.second)
  const limbs = sampled(detail.limbs, about.limbs)
  const of = sampled(
    detail.of,
    about.of && {
      link: about.of.link,
      whole: phraseFor(
        rng,
        { about: about.of.whole, size: undefined, place: undefined },
        { ...detail, pattern: detail.pattern / 2 }
      )
    }
  )
  return {
    noun,
    color,
    second,
    pattern,
    limbs,
    of,
    size: sampled(detail.size, size),
    place: sampled(detail.place, place)
  }
}

const alone = (rng: Rng, { noun, color, pattern, of }: Description): Phrase => {
  const any = of ? 'part' : 'thing'
  const [colored, patterned] = [color ? { noun: any, color } : { noun }, pattern ? { noun: any, pattern } : { noun }]
  return rng.pick<Phrase>([{ noun }, { noun }, { noun }, colored, patterned, patterned])
}

/** Every attribute with some probability, for contrastive training. */
export const anyDetail: Detail = {
  color: 0.7,
  second: 0.4,
  pattern: 0.6,
  limbs: 0.4,
  size: 0.05,
  place: 0.05,
  of: 0.5,
  synonym: 0.2,
  alone: 0.6
}
