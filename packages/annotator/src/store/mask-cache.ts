import type { Mask } from '@sam/core'
import { hasNoPrompts, type AnnotatedObject, type Picture, type Prompts, type Stroke } from '../document/project.js'
import { emptyMask, paintStrokes } from '../masks/combine.js'

/** The mask after a stroke, and what it was painted over. */
interface Painted {
  readonly under: Mask | undefined
  readonly count: number
  readonly mask: Mask
}

/** Predicted masks by prompts, and masks with strokes. Kept while the document or its history refers to them. */
export interface MaskCache {
  readonly predicted: (prompts: Prompts) => readonly Mask[] | undefined
  readonly keep: (prompts: Prompts, masks: readonly Mask[]) => void
  /** The mask under the strokes; undefined if it is not predicted yet. */
  readonly under: (object: AnnotatedObject) => Mask | undefined
  /** Strokes painted over a mask; undefined if there is neither. Each stroke is painted once. */
  readonly paint: (under: Mask | undefined, strokes: readonly Stroke[], picture: Picture) => Mask | undefined
}

export function maskCache(): MaskCache {
  const predictions = new WeakMap<Prompts, readonly Mask[]>()
  const painted = new WeakMap<Stroke, Painted>()
  const predicted = (prompts: Prompts): readonly Mask[] | undefined => predictions.get(prompts)
  const paint: MaskCache['paint'] = (under, strokes, picture) => {
    const count = strokes.length
    if (!count) return under
    const last = strokes[count - 1]
    const known = painted.get(last)
    if (known?.under === under && known?.count === count) return known.mask
    const before = paint(under, strokes.slice(0, -1), picture) ?? emptyMask(picture)
    const mask = paintStrokes(before, [last])
    painted.set(last, { under, count, mask })
    return mask
  }
  return {
    predicted,
    keep: (prompts, masks) => void predictions.set(prompts, masks),
    under: ({ prompts, base, choice }) => (hasNoPrompts(prompts) ? base : predicted(prompts)?.[choice]),
    paint
  }
}
