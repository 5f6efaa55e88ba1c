import type { Sample } from '../data/dataset.js'
import { withArticle, type Description } from '../data/scenes/description.js'
import { boundsOf } from '../prompts/plane.js'
import type { Random } from '../random.js'
import { nounMeanings, type places, type sizes } from './words.js'

/** Some of what can be said of a thing: each part that is there narrows down what the phrase names. */
export interface Phrase {
  readonly noun: string
  readonly color?: string | undefined
  /** Only beside `color`. */
  readonly second?: string | undefined
  readonly pattern?: string | undefined
  readonly limbs?: true | undefined
  readonly size?: typeof sizes[number] | undefined
  readonly place?: typeof places[number] | undefined
  readonly of?: { readonly link: 'of' | 'on'; readonly whole: Phrase } | undefined
}

/** A thing of a scene: what it is, and how large and where it is in the picture. */
export interface Seen {
  readonly about: Description
  readonly size: Phrase['size']
  readonly place: Phrase['place']
  /** Where too little is seen of it to be named. */
  readonly obscured?: true | undefined
}

/** `a small striped red and blue star with limbs on the left`. */
export function sentence({ noun, color, second, pattern, limbs, size, place, of }: Phrase): string {
  const words = [size, pattern, second ? `${color} and ${second}` : color, noun, limbs && 'with limbs', of && `${of.link} ${sentence(of.whole)}`, place]
  return withArticle(words.filter(Boolean).join(' '), noun === 'body')
}

/** Whether a phrase may be said of a thing, by what a picture of it alone shows: not by its size and place. In a picture without colours, no colour is denied. */
export function describes({ noun, color, second, pattern, limbs, of }: Phrase, about: Description): boolean {
  const colored = (word: string | undefined): boolean => word === undefined || about.color === undefined || word === about.color || word === about.second
  return means(noun, about) && colored(color) && colored(second)
    && (pattern === undefined || pattern === about.pattern) && (!limbs || about.limbs === true)
    && (!of || (about.of !== undefined && of.link === about.of.link && describes(of.whole, about.of.whole)))
}

/** Whether a noun may stand for a thing. Some tell only what is whole from what is a part. */
const means = (noun: string, { noun: own, of }: Description): boolean => noun === 'part' ? of !== undefined : nounMeanings[noun].includes(own) && !(noun === 'thing' && of)

/** Whether a phrase may be said of a thing of a scene, its size and place included. */
export const names = (phrase: Phrase, seen: Seen): boolean =>
  describes(phrase, seen.about) && (phrase.size === undefined || phrase.size === seen.size) && (phrase.place === undefined || phrase.place === seen.place)

/** The things of a generated scene, in the order of its truths. Those that the data cannot describe are left out as undefined. */
export const seenIn = ({ image, truths }: Pick<Sample, 'image' | 'truths'>): (Seen | undefined)[] => truths.map(({ about, mask, obscured }) => {
  if (!about) return undefined
  const part = mask.reduce((n, v) => n + v, 0) / mask.length
  return { about, size: part < 0.03 ? 'small' : part > 0.15 ? 'large' : undefined, place: placeOf({ width: image.width, height: image.height, data: mask }), obscured }
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
export function phraseFor(draw: Random, { about, size, place }: Seen, detail: Detail): Phrase {
  if (draw.chance(detail.alone)) return alone(draw, about)
  const said = <T>(probability: number, value: T): T | undefined => draw.chance(probability) ? value : undefined
  const words = Object.keys(nounMeanings).filter(word => word !== about.noun && means(word, about))
  const noun = draw.chance(detail.synonym) && words.length ? draw.pick(words) : about.noun
  const color = said(detail.color, about.color)
  const pattern = said(detail.pattern * (about.pattern === 'plain' ? 0.25 : 1), about.pattern)
  const second = said(detail.second, color && about.second)
  const limbs = said(detail.limbs, about.limbs)
  const of = said(detail.of, about.of && { link: about.of.link, whole: phraseFor(draw, { about: about.of.whole, size: undefined, place: undefined }, { ...detail, pattern: detail.pattern / 2 }) })
  return { noun, color, second, pattern, limbs, of, size: said(detail.size, size), place: said(detail.place, place) }
}

const alone = (draw: Random, { noun, color, pattern, of }: Description): Phrase => {
  const any = of ? 'part' : 'thing'
  return draw.pick([{ noun }, { noun }, { noun }, color ? { noun: any, color } : { noun }, { noun: any, pattern }, { noun: any, pattern }])
}

/** All that can be said at times, as contrastive training says it. */
export const anyDetail: Detail = { color: 0.7, second: 0.4, pattern: 0.6, limbs: 0.4, size: 0.05, place: 0.05, of: 0.5, synonym: 0.2, alone: 0.6 }
