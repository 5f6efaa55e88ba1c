import { type Description, kindNames } from '@sam/scenes'

/** Nouns of scenes that are parts by themselves; all other parts are called by their shape. */
export const partNouns = ['limb', 'body', 'band', 'side', 'rim', 'core', 'spot'] as const

/** What each noun of a phrase may stand for: itself, and the synonyms that people use. */
export const nounMeanings: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries([...kindNames, ...partNouns].map(noun => [noun, [noun]])),
  circle: ['disc'],
  ellipse: ['oval'],
  rectangle: ['block'],
  blob: ['pebble', 'amoeba'],
  moon: ['crescent'],
  stick: ['bar'],
  splinter: ['shard'],
  arm: ['limb'],
  edge: ['rim'],
  dot: ['spot'],
  thing: kindNames,
  part: [...kindNames, ...partNouns]
}

export const colors = [
  'red',
  'orange',
  'yellow',
  'green',
  'cyan',
  'blue',
  'purple',
  'pink',
  'brown',
  'black',
  'gray',
  'white'
] as const
export const patterns = ['plain', 'mottled', 'grainy', 'striped', 'checkered', 'dotted', 'shaded'] as const
export const sizes = ['small', 'large'] as const
export const places = ['on the left', 'on the right', 'at the top', 'at the bottom', 'in the middle'] as const

/** Words of whole sentences around a phrase. */
const others = [
  'a',
  'an',
  'the',
  'and',
  'with',
  'without',
  'of',
  'on',
  'at',
  'in',
  'left',
  'right',
  'top',
  'bottom',
  'photo',
  'picture',
  'image',
  'background',
  'nothing',
  'something',
  'object',
  'part',
  'no',
  'not',
  'middle',
  'round',
  'line',
  'shape',
  'limbs',
  'grey',
  'square',
  'stripes',
  'dots',
  'colour',
  'color',
  'is',
  'it',
  'this',
  'that',
  'big',
  'two',
  'all',
  'pattern'
]

/** Every word that a phrase of ours may have: the vocabulary of a tokenizer. */
export const allWords: readonly string[] = [
  ...new Set([...colors, ...patterns, ...sizes, ...Object.keys(nounMeanings), ...others])
]

/**
 * Colours and shapes that contrastive training never shows together, though each of them with others: whether words
 * compose is judged on these.
 */
export const heldOutPairs: readonly (readonly [string, string])[] = [
  ['red', 'star'],
  ['blue', 'disc'],
  ['green', 'triangle'],
  ['yellow', 'block'],
  ['purple', 'pebble'],
  ['orange', 'oval'],
  ['pink', 'polygon'],
  ['cyan', 'amoeba'],
  ['white', 'ring'],
  ['green', 'cross'],
  ['black', 'frame'],
  ['brown', 'crescent']
]

/** Whether a thing, or what it is a part of, is of a held-out pair, by either of its colours. */
export const isHeldOut = ({ noun, color, second, of }: Description): boolean =>
  heldOutPairs.some(([c, n]) => n === noun && (c === color || c === second)) ||
  (of !== undefined && isHeldOut(of.whole))
