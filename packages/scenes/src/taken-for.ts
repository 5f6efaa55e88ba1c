import { compactKinds } from './shapes.js'

/**
 * Kinds with similar shapes, and parts with the shapes of kinds: a limb may be an oval, the rim of a disc is a ring.
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

/** Nouns that an isolated object of this noun may be taken for. */
export const takenFor = (noun: string): readonly string[] =>
  alike.flatMap(([one, others]) => (one === noun ? others : others.includes(noun) ? [one] : []))
