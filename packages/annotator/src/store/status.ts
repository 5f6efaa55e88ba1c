import type { Mask } from '@sam/core'
import type { AnnotatedObject } from '../document/project.js'

const percent = (score: number): string => `${Math.round(100 * Math.max(0, Math.min(1, score)))}%`

/** What the status line says of new masks of an object. */
export function predictionStatus({ name, strokes }: AnnotatedObject, masks: readonly Mask[]): string {
  const [best] = masks
  if (!best.area && !strokes.length)
    return `${name}: the mask is empty; add a point inside the object, or remove one. Empty masks are not exported`
  return `${name}: ${masks.length > 1 ? `1 of ${masks.length} masks` : 'mask refined'} · ${estimate(best)}`
}

/** What it says when an object is selected; `chosen`: the predicted mask that it has chosen. */
export function selectionStatus({ name }: AnnotatedObject, chosen: Mask | 'pending' | undefined): string {
  if (chosen === 'pending') return `${name}: predicting the mask`
  return `${name} selected${chosen ? ` · ${estimate(chosen)}` : ''}`
}

const estimate = ({ predictedIou }: Mask): string => `model’s own estimate ${percent(predictedIou)}`

/** What it says after a search: `added` are the new objects among those that were `found`. */
export function phraseStatus(phrase: string, added: readonly { readonly score: number }[], found: number): string {
  if (!found) return `“${phrase}” is not here`
  const there = found - added.length
  const already = there ? `${there} of ${found} marked already` : ''
  if (!added.length) return `“${phrase}”: ${already}`
  const scores = added.map(({ score }) => percent(score)).join(', ')
  return [`“${phrase}”: ${added.length} added, score ${scores}`, already].filter(Boolean).join('; ')
}
