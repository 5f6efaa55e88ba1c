import type { Mask } from '@sam/core'
import type { AnnotatedObject, Position, Suggestion } from '../document/project.js'
import { covers } from '../masks/combine.js'
import type { Annotator } from './annotator.js'

/** The visible, unlocked object with the smallest mask at a position. */
export const objectAt = (annotator: Annotator, at: Position): AnnotatedObject | undefined =>
  smallestAt(at, annotator.picture?.objects ?? [], object =>
    object.visible && !object.locked ? annotator.shown(object) : undefined
  )

/** The smallest of the shown suggestions at a position. */
export const suggestionAt = (annotator: Annotator, at: Position): Suggestion | undefined =>
  smallestAt(at, annotator.suggestions(), ({ mask }) => mask)

function smallestAt<T>(at: Position, items: readonly T[], maskOf: (item: T) => Mask | undefined): T | undefined {
  let best: { readonly item: T; readonly area: number } | undefined
  for (const item of items) {
    const mask = maskOf(item)
    if (mask && covers(mask, at) && !(best && best.area <= mask.area)) best = { item, area: mask.area }
  }
  return best?.item
}
