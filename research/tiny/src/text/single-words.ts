import { kindNames } from '@sam/scenes'
import type { Phrase } from './phrase.js'
import { colors, partNouns, patterns } from './words.js'

const anything = ['thing', 'part']

/**
 * Every word that tells things apart, in a phrase of its own, by sort: `a star`, `a red thing`, `a striped part`. In
 * each sort a crop has its right answer and wrong ones: phrases by chance are told apart by their colours, and a small
 * CLIP that sees nothing else learns no shape.
 */
export const singleWords: readonly (readonly Phrase[])[] = [
  [...kindNames, ...partNouns].map(noun => ({ noun })),
  anything.flatMap(noun => colors.map(color => ({ noun, color }))),
  anything.flatMap(noun => patterns.map(pattern => ({ noun, pattern })))
]
