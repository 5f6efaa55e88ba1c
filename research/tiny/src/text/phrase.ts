import type { Sample, Truth } from '@sam/train'
import { areaOf, boundsOf } from '@sam/train/toolkit'
import { type Description, withArticle } from '@sam/scenes'
import type { Rng } from '@sam/rng'
import { nounMeanings, type places, type sizes } from './words.js'

/** Some of an object's attributes: each one narrows down what the phrase names. */
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

/** A mask of generated data, with what it shows; a data set of photos does not say. */
export interface DescribedTruth extends Truth {
  readonly about?: Description
  readonly obscured?: true
}

/** An object of a scene: what it is, its size and its position in the image. */
export interface Seen {
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
 * crop does not tell: colours of a gray image, a faint pattern, a word that others would use, what it is a part of.
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

/** Whether a thing is a part of what a phrase says that it is of. */
const isPartOf = (of: Phrase['of'], about: Description): boolean | undefined =>
  !of || (about.of?.link === of.link && isSaidOf(of.whole, about.of.whole))

/** Whether a phrase is true of a thing whose surroundings are seen. */
const isSaidOf = (phrase: Phrase, about: Description): boolean | undefined =>
  every([describes(phrase, about), isPartOf(phrase.of, about)])

const every = (told: readonly (boolean | undefined)[]): boolean | undefined =>
  told.includes(false) ? false : told.includes(undefined) ? undefined : true

/** Whether a noun stands for a thing. By itself, what is whole and what is a part look the same. */
function means(noun: string, { noun: own, maybe = [], of }: Description): boolean | undefined {
  if (noun === 'part' || noun === 'thing') return (noun === 'part') === (of !== undefined) || undefined
  const kinds = nounMeanings[noun]
  return kinds.includes(own) || (kinds.some(kind => maybe.includes(kind)) ? undefined : false)
}

/** Whether a phrase is true of a thing of a scene, its size and place included; undefined where that cannot be told. */
export const names = (phrase: Phrase, seen: Seen): boolean | undefined =>
  every([
    isSaidOf(phrase, seen.about),
    phrase.size === undefined || phrase.size === seen.size,
    phrase.place === undefined || phrase.place === seen.place
  ])

/**
 * The things of a generated scene, in the order of its truths. Those that the data cannot describe are left out as
 * undefined.
 */
export const seenIn = ({ image, truths }: Pick<Sample<DescribedTruth>, 'image' | 'truths'>): (Seen | undefined)[] =>
  truths.map(({ about, mask, obscured }) => {
    if (!about) return undefined
    const part = areaOf(mask) / mask.length
    return {
      about,
      size: part < 0.03 ? 'small' : part > 0.15 ? 'large' : undefined,
      place: placeOf({ width: image.width, height: image.height, data: mask }),
      obscured
    }
  })

/** Which third of the picture the middle of a mask's box is in, where that can be said in a word. */
function placeOf(mask: Parameters<typeof boundsOf>[0]): Phrase['place'] {
  const [x0, y0, x1, y1] = boundsOf(mask) ?? [0, 0, -1, -1]
  const [x, y] = [(x0 + x1 + 1) / 2 / mask.width - 0.5, (y0 + y1 + 1) / 2 / mask.height - 0.5]
  if (Math.max(Math.abs(x), Math.abs(y)) < 1 / 6) return 'in the middle'
  if (Math.abs(x) > 2 * Math.abs(y)) return x < 0 ? 'on the left' : 'on the right'
  if (Math.abs(y) > 2 * Math.abs(x)) return y < 0 ? 'at the top' : 'at the bottom'
  return undefined
}

/** How often each thing is said. */
export interface Detail {
  readonly color: number
  readonly second: number
  readonly pattern: number
  readonly limbs: number
  readonly size: number
  readonly place: number
  readonly of: number
  /** A synonym, or a word for many kinds, in the place of the noun itself. */
  readonly synonym: number
  /** One thing alone is said: what it is, or its colour, or its pattern. */
  readonly alone: number
}

/** A phrase by chance that may be said of this thing. */
export function phraseFor(rng: Rng, { about, size, place }: Seen, detail: Detail): Phrase {
  if (rng.chance(detail.alone)) return alone(rng, about)
  const said = <T>(probability: number, value: T): T | undefined => (rng.chance(probability) ? value : undefined)
  const words = Object.keys(nounMeanings).filter(word => word !== about.noun && means(word, about) === true)
  const noun = rng.chance(detail.synonym) && words.length ? rng.pick(words) : about.noun
  const color = said(detail.color, about.color)
  const pattern = said(detail.pattern * (about.pattern === 'plain' ? 0.25 : 1), about.pattern)
  const second = said(detail.second, color && about.second)
  const limbs = said(detail.limbs, about.limbs)
  const of = said(
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
  return { noun, color, second, pattern, limbs, of, size: said(detail.size, size), place: said(detail.place, place) }
}

const alone = (rng: Rng, { noun, color, pattern, of }: Description): Phrase => {
  const any = of ? 'part' : 'thing'
  const [colored, patterned] = [color ? { noun: any, color } : { noun }, pattern ? { noun: any, pattern } : { noun }]
  return rng.pick<Phrase>([{ noun }, { noun }, { noun }, colored, patterned, patterned])
}

/** All that can be said at times, as contrastive training says it. */
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
