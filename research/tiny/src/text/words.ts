import { type Description, kindNames } from '@sam/scenes'

/** Nouns of parts; all other parts are named by their shape. */
export const partNouns = ['limb', 'body', 'band', 'side', 'rim', 'core', 'spot'] as const

/** Kinds that each noun of a phrase may stand for: itself, or as a synonym. */
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

/** Words of sentences around a phrase. */
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

/** Every word of our phrases: the vocabulary of the tokenizer. */
export const allWords: readonly string[] = [
  ...new Set([...colors, ...patterns, ...sizes, ...Object.keys(nounMeanings), ...others])
]

/**
 * Pairs of colour and shape held out of contrastive training, which has each of them with others: they test whether
 * words compose.
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

/** Whether an object, or its whole, is of a held-out pair, by either of its colours. */
export const isHeldOut = ({ noun, color, second, of }: Description): boolean =>
  heldOutPairs.some(([c, n]) => n === noun && (c === color || c === second)) ||
  (of !== undefined && isHeldOut(of.whole))
