import type { Description } from '@sam/scenes'
import type { Rng } from '@sam/rng'
import { describes, type Phrase } from './phrase.js'
import { colors, nounMeanings, patterns } from './words.js'

const tries = 20

/**
 * A hard-negative caption: a true phrase with one word replaced, and false: `a striped red star` for a striped blue
 * one. With phrases of other objects as the only negatives, a text tower learns a bag of words (NegCLIP: Yuksekgonul et
 * al. 2023). Returns the phrase itself where no replacement is found, as for an object without colours.
 */
export function hardNegativeCaption(rng: Rng, phrase: Phrase, about: Description): Phrase {
  for (let i = 0; i < tries; i++) {
    const negative = rng.pick(replacements(rng, phrase))()
    if ((negative.color === undefined || negative.color !== negative.second) && describes(negative, about) === false)
      return negative
  }
  return phrase
}

/**
 * The possible replacements of a word by another of its kind; none in the object's whole, which its crop does not show.
 */
function replacements(rng: Rng, phrase: Phrase): (() => Phrase)[] {
  const { color, second, pattern } = phrase
  return [
    () => ({ ...phrase, noun: rng.pick(Object.keys(nounMeanings)) }),
    ...(color ? [() => ({ ...phrase, color: rng.pick(colors) })] : []),
    ...(second ? [() => ({ ...phrase, second: rng.pick(colors) })] : []),
    ...(pattern ? [() => ({ ...phrase, pattern: rng.pick(patterns) })] : [])
  ]
}
