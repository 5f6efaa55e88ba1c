import type { Box, Mask, Point } from '@sam/core'
import { addObjects, changeObject } from './objects.js'
import {
  activeObject,
  hasNoPrompts,
  isBlank,
  noPrompts,
  type AnnotatedObject,
  type Position,
  type Project,
  type Prompts,
  type Stroke
} from './project.js'

const withPrompts = (project: Project, { id }: AnnotatedObject, prompts: Prompts): Project =>
  changeObject(project, id, { prompts: hasNoPrompts(prompts) ? noPrompts : prompts, choice: 0, visible: true })

/** Adds a point to the selected object, or to a new one. `from`: its mask, which the prediction refines. */
export function addPoint(project: Project, point: Point, from?: Mask): Project {
  const object = activeObject(project)
  if (!object) return addObjects(project, [{ prompts: { points: [point] } }])
  const { prompts } = object
  return withPrompts(project, object, {
    points: [...prompts.points, point],
    box: prompts.box,
    from: from ?? prompts.from
  })
}

/**
 * Changed and removed prompts are predicted without the masks that the old ones gave: only a mask that was not
 * predicted is refined.
 */
const revised = (project: Project, object: AnnotatedObject, prompts: Pick<Prompts, 'points' | 'box'>): Project =>
  withPrompts(project, object, { ...prompts, from: object.base })

/** Moves a point of the selected object. */
export function movePoint(project: Project, index: number, [x, y]: Position): Project {
  const object = activeObject(project)
  if (!object?.prompts.points[index]) return project
  const { points, box } = object.prompts
  return revised(project, object, { points: points.map((p, i) => (i === index ? { ...p, x, y } : p)), box })
}

/** Removes a point of the selected object. */
export function removePoint(project: Project, index: number): Project {
  const object = activeObject(project)
  if (!object?.prompts.points[index]) return project
  const { points, box } = object.prompts
  return revised(project, object, { points: points.filter((_, i) => i !== index), box })
}

/** Adds an object with a box. */
export const addBox = (project: Project, box: Box): Project => addObjects(project, [{ prompts: { points: [], box } }])

/** Changes the box of the selected object, which keeps its points; undefined removes it. */
export function changeBox(project: Project, box: Box | undefined): Project {
  const object = activeObject(project)
  return object ? revised(project, object, { points: object.prompts.points, box }) : project
}

/**
 * Paints a stroke over the mask of the selected object, or of a new one. `prompts`: what the model is given along with
 * the stroke, if the object has none.
 */
export function addStroke(project: Project, stroke: Stroke, prompts: Prompts = noPrompts): Project {
  const object = activeObject(project)
  if (!object) return addObjects(project, [{ strokes: [stroke], prompts }])
  const strokes = [...object.strokes, stroke]
  return changeObject(project, object.id, { strokes, visible: true, ...(isBlank(object) && { prompts, choice: 0 }) })
}

/** Removes the prompts and strokes of the selected object. What remains is its base, if it has one. */
export function clearPrompts(project: Project): Project {
  const object = activeObject(project)
  return object ? changeObject(project, object.id, { prompts: noPrompts, strokes: [], choice: 0 }) : project
}

/** Chooses one of the predicted masks of the selected object. */
export function chooseMask(project: Project, choice: number): Project {
  const object = activeObject(project)
  return object && object.choice !== choice ? changeObject(project, object.id, { choice }) : project
}
