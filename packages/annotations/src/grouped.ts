import { Mask } from '@sam/core'
import { uniteRuns } from '@sam/core/model'
import type { AnnotatedObject } from './annotated-image.js'

/** A shape of a format in which an object may consist of several. */
export interface ObjectPart extends Omit<AnnotatedObject, 'id'> {
  /** Parts with equal keys are one object; undefined: the part is an object of its own. */
  readonly key: string | undefined
  readonly id: string | undefined
}

/** The objects of parts: masks with one key are joined. An object without an id gets its position in the list. */
export function joinParts(parts: readonly ObjectPart[]): AnnotatedObject[] {
  const groups = new Map<unknown, ObjectPart[]>()
  for (const part of parts) {
    const group = groups.get(part.key ?? part)
    if (group) group.push(part)
    else groups.set(part.key ?? part, [part])
  }
  return [...groups.values()].map((group, i) => {
    const { id, mask, category, score } = group[0]
    return {
      id: id ?? String(i + 1),
      category,
      score,
      mask: group.length === 1 ? mask : union(group.map(part => part.mask))
    }
  })
}

function union(masks: readonly Mask[]): Mask {
  const { width, height } = masks[0]
  return new Mask({ width, height, inside: uniteRuns(masks.map(({ runs }) => runs)) })
}
