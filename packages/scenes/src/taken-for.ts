import { compactKinds } from './shapes.js'

/**
 * Kinds whose shapes run into each other, and parts that have the shapes of kinds: a limb may be an oval, a rim is a
 * ring where its host is a disc.
 */
const alike: readonly (readonly [string, readonly string[]])[] = [
  ['polygon', ['shard']],
  ['pebble', ['amoeba']],
  ['band', ['block', 'bar', 'side']],
  ['rim', ['ring', 'frame']],
  ['spot', ['disc', 'oval']],
  ['limb', [...compactKinds, 'bar', 'spot', 'core', 'body']],
  ['body', [...compactKinds, 'core', 'spot']],
  ['core', [...compactKinds, 'spot', 'band']],
  ['side', [...compactKinds, 'shard', 'crescent']]
]

/** Nouns that a picture of a thing by itself does not tell from its own. */
export const takenFor = (noun: string): readonly string[] =>
  alike.flatMap(([one, others]) => (one === noun ? others : others.includes(noun) ? [one] : []))
