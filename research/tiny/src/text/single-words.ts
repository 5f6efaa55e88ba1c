import { kindNames } from '@sam/scenes'
import type { Phrase } from './phrase.js'
import { colors, partNouns, patterns } from './words.js'

const anything = ['thing', 'part']

/**
 * Every distinguishing word in a phrase of its own, by label group: `a star`, `a red thing`, `a striped part`. Random
 * phrases can be told apart by colour alone; within a group, a small CLIP has to learn shapes too.
 */
export const singleWords: readonly (readonly Phrase[])[] = [
  [...kindNames, ...partNouns].map(noun => ({ noun })),
  anything.flatMap(noun => colors.map(color => ({ noun, color }))),
  anything.flatMap(noun => patterns.map(pattern => ({ noun, pattern })))
]
