import type { Description } from '../data/scenes/description.js'
import type { Random } from '../random.js'
import { describes, type Phrase } from './phrase.js'
import { colors, nounMeanings, patterns } from './words.js'

const tries = 20

/**
 * A phrase like one that is true of a thing, but for one word, and no longer true of it: `a striped red star` for a
 * striped blue one. From phrases of other things alone a text tower learns a bag of words; such hard negatives ask for
 * each word (NegCLIP: Yuksekgonul et al. 2023). The phrase itself where no exchange was found, as of a thing without
 * colours.
 */
export function twinOf(draw: Random, phrase: Phrase, about: Description): Phrase {
  for (let i = 0; i < tries; i++) {
    const twin = draw.pick(exchanges(draw, phrase))()
    if ((twin.color === undefined || twin.color !== twin.second) && describes(twin, about) === false) return twin
  }
  return phrase
}

/**
 * The ways to exchange a word for another of its sort; none of what it is a part of, which a picture of it alone does
 * not tell.
 */
function exchanges(draw: Random, phrase: Phrase): (() => Phrase)[] {
  const { color, second, pattern } = phrase
  return [
    () => ({ ...phrase, noun: draw.pick(Object.keys(nounMeanings)) }),
    ...(color ? [() => ({ ...phrase, color: draw.pick(colors) })] : []),
    ...(second ? [() => ({ ...phrase, second: draw.pick(colors) })] : []),
    ...(pattern ? [() => ({ ...phrase, pattern: draw.pick(patterns) })] : [])
  ]
}
