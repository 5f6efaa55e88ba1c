import type { Description } from '@sam/scenes'
import type { Rng } from '@sam/rng'
import { describes, type Phrase } from './phrase.js'
import { colors, nounMeanings, patterns } from './words.js'

const tries = 20

/**
 * A phrase like one that is true of a thing, but for one word, and no longer true of it: `a striped red star` for a
 * striped blue one. From phrases of other things alone a text tower learns a bag of words; such hard negatives ask for
 * each word (NegCLIP: Yuksekgonul et al. 2023). The phrase itself where no exchange was found, as of a thing without
 * colours.
 */
export function hardNegativeCaption(rng: Rng, phrase: Phrase, about: Description): Phrase {
  for (let i = 0; i < tries; i++) {
    const twin = rng.pick(exchanges(rng, phrase))()
    if ((twin.color === undefined || twin.color !== twin.second) && describes(twin, about) === false) return twin
  }
  return phrase
}

/**
 * The ways to exchange a word for another of its sort; none of what it is a part of, which a picture of it alone does
 * not tell.
 */
function exchanges(rng: Rng, phrase: Phrase): (() => Phrase)[] {
  const { color, second, pattern } = phrase
  return [
    () => ({ ...phrase, noun: rng.pick(Object.keys(nounMeanings)) }),
    ...(color ? [() => ({ ...phrase, color: rng.pick(colors) })] : []),
    ...(second ? [() => ({ ...phrase, second: rng.pick(colors) })] : []),
    ...(pattern ? [() => ({ ...phrase, pattern: rng.pick(patterns) })] : [])
  ]
}
