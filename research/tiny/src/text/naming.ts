import type { Rng } from '@sam/rng'
import { names, phraseFor, type Detail, type Phrase, type SceneObject } from './phrase.js'

/**
 * The detail of a phrase that distinguishes an object: kind and colour, often the pattern, and what it is a part of.
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

/** The objects of a scene that a phrase is true of, and those where it is unknown. */
export const namedBy = (phrase: Phrase, scene: readonly SceneObject[]): readonly SceneObject[] =>
  scene.filter(seen => names(phrase, seen) !== false)

/** Samples a phrase that names exactly one object of its scene; undefined where none is found. */
export function namingOne(rng: Rng, one: SceneObject, scene: readonly SceneObject[]): Phrase | undefined {
  for (let i = 0; i < tries; i++) {
    const phrase = phraseFor(rng, one, distinctDetail)
    if (namedBy(phrase, scene).length === 1) return phrase
  }
  return undefined
}

/**
 * Samples a phrase for an object of another scene that names nothing in this one; undefined where none is found, as in
 * images without colours.
 */
export function namingNone(
  rng: Rng,
  elsewhere: readonly SceneObject[],
  scene: readonly SceneObject[]
): Phrase | undefined {
  for (let i = 0; i < tries && elsewhere.length; i++) {
    const phrase = phraseFor(rng, rng.pick(elsewhere), distinctDetail)
    if (namedBy(phrase, scene).length === 0) return phrase
  }
  return undefined
}
