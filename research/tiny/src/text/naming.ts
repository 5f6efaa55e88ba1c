import type { Rng } from '@sam/rng'
import { names, phraseFor, type Detail, type Phrase, type Seen } from './phrase.js'

/**
 * How a person would tell one thing from the others: its kind and colour, often its pattern, and what it is a part of.
 */
export const distinctDetail: Detail = {
  color: 1,
  second: 0.3,
  pattern: 0.5,
  limbs: 0.3,
  size: 0,
  place: 0,
  of: 0.8,
  synonym: 0.2,
  alone: 0
}

const tries = 12

/** The things of a scene that a phrase is true of, and those of which this cannot be told. */
export const namedBy = (phrase: Phrase, scene: readonly Seen[]): readonly Seen[] =>
  scene.filter(seen => names(phrase, seen) !== false)

/** A phrase by chance that names one thing of its scene and no other; undefined where none was found. */
export function namingOne(rng: Rng, one: Seen, scene: readonly Seen[]): Phrase | undefined {
  for (let i = 0; i < tries; i++) {
    const phrase = phraseFor(rng, one, distinctDetail)
    if (namedBy(phrase, scene).length === 1) return phrase
  }
  return undefined
}

/**
 * A phrase by chance for a thing of elsewhere that names nothing of this scene; undefined where none was found, as in a
 * picture without colours.
 */
export function namingNone(rng: Rng, elsewhere: readonly Seen[], scene: readonly Seen[]): Phrase | undefined {
  for (let i = 0; i < tries && elsewhere.length; i++) {
    const phrase = phraseFor(rng, rng.pick(elsewhere), distinctDetail)
    if (namedBy(phrase, scene).length === 0) return phrase
  }
  return undefined
}
