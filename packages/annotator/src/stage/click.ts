import type { Point } from '@sam/core'
import { select } from '../document/objects.js'
import { isBlank, type AnnotatedObject, type Position } from '../document/project.js'
import { removePoint } from '../document/prompts.js'
import { dismissSuggestions } from '../document/suggestions.js'
import { covers } from '../masks/combine.js'
import type { Annotator } from '../store/annotator.js'
import type { Handle } from './handles.js'

/** A click in the picture, by a pointer or by Enter at the crosshair. */
export interface Click {
  readonly at: Position
  /** The other label; with the select tool, adds what is clicked to the selected object. */
  readonly shift: boolean
  /** Always a point; with the select tool, removes what is clicked from the selected object. */
  readonly alt: boolean
  /** The right button: a background point. */
  readonly secondary: boolean
  /** What of the selected object's prompts is under it. */
  readonly handle?: Handle | undefined
}

/**
 * What a click does. The rules:
 * 1. On a point of the selected object, without Shift, Alt and the right button, it removes the point.
 * 2. With a point tool, on the mask of another object and not on that of the selected one, it selects the other object.
 *    With Alt, or on a locked object, it adds a point.
 * 3. Elsewhere, a point tool adds a point; with Shift or the right button, one of the other label.
 * 4. The select and box tools select the object under the click. The select tool makes an object of a suggestion.
 */
export function click(annotator: Annotator, given: Click): void {
  const { tool } = annotator.state
  const { active } = annotator
  const { handle, secondary } = given
  if (tool === 'hand') return
  const pointing = tool === 'include' || tool === 'exclude'
  const isPlain = !given.shift && !given.alt && !secondary
  if (isPlain && handle && 'point' in handle && (pointing || tool === 'select' || tool === 'box')) {
    if (refusesLocked(annotator, active)) return
    return annotator.act(project => removePoint(project, handle.point))
  }
  if (secondary || pointing) return clickPoint(annotator, given)
  if (tool === 'select' || tool === 'box') return clickSelect(annotator, given)
}

/** The object that a click with a point tool selects instead of adding a point. */
export function selectedByPoint(
  annotator: Annotator,
  { at, shift, alt, secondary }: Omit<Click, 'handle'>
): AnnotatedObject | undefined {
  if (shift || alt || secondary || annotator.state.tool !== 'include') return undefined
  const { active } = annotator
  const own = active && annotator.shown(active)
  if (own && covers(own, at)) return undefined
  const found = annotator.objectAt(at)
  return found === active ? undefined : found
}

function clickPoint(annotator: Annotator, given: Click): void {
  const { active, state } = annotator
  const { at, shift, secondary } = given
  const other = selectedByPoint(annotator, given)
  if (other) {
    annotator.act(project => select(project, other.id))
    return annotator.set({ status: `${other.name} selected. Alt+click adds a point here instead` })
  }
  if (refusesLocked(annotator, active)) return
  const isBackground = secondary || (state.tool === 'exclude') !== shift
  if (isBackground && (!active || isBlank(active)))
    return annotator.set({ status: 'A background point corrects an object: click the object first, or draw a box' })
  const label: Point['label'] = isBackground ? 'background' : 'foreground'
  annotator.addPoint({ x: at[0], y: at[1], label })
}

function clickSelect(annotator: Annotator, { at, shift, alt }: Click): void {
  const { active, state } = annotator
  const isSelect = state.tool === 'select'
  const suggestion = isSelect ? annotator.suggestionAt(at) : undefined
  const object = annotator.objectAt(at)
  const smaller = suggestion && (!object || suggestion.mask.area < (annotator.shown(object)?.area ?? Infinity))
  if (isSelect && (shift || alt) && active) {
    if (refusesLocked(annotator, active)) return
    const mask = smaller ? suggestion.mask : object && object !== active ? annotator.maskOf(object) : undefined
    if (!mask) return
    if (alt) return annotator.subtract(active.id, mask)
    if (!smaller) return annotator.merge([active.id, object!.id])
    annotator.unite(active.id, mask)
    return annotator.act(project => dismissSuggestions(project, [suggestion]))
  }
  if (smaller) return annotator.pick([suggestion])
  annotator.act(project => select(project, object?.id))
}

/** Whether the object is locked; says so. */
export function refusesLocked(annotator: Annotator, object: AnnotatedObject | undefined): boolean {
  if (object?.locked) annotator.set({ status: `${object.name} is locked: unlock it, or press N for a new object` })
  return object?.locked === true
}
