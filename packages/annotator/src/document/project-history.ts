import { push, redo, startHistory, undo, type History } from './history.js'
import { pictureOf, type Picture, type Project } from './project.js'

/** A project and its past, over all pictures. */
export type ProjectHistory = History<Project>

export const startProject = (project: Project): ProjectHistory => startHistory(project)

/** Adds a step. A change of what is shown or selected is no step: it replaces the present. */
export const stepProject = (history: ProjectHistory, next: Project): ProjectHistory =>
  isSameContent(history.present, next) ? { ...history, present: next } : push(history, next)

/** One step back, in the picture where the step was. */
export const undoProject = (history: ProjectHistory): ProjectHistory => shownWhere(undo(history), history.present)

/** One step forward, in the picture where the step is. */
export const redoProject = (history: ProjectHistory): ProjectHistory => shownWhere(redo(history), history.present)

/** What arrives without a step, such as suggestions of the model, arrives in all states: undo does not remove it. */
export const amendProject = (
  { past, present, future }: ProjectHistory,
  change: (project: Project) => Project
): ProjectHistory => ({ past: past.map(change), present: change(present), future: future.map(change) })

/** Whether two projects differ only in what is shown and selected. */
export const isSameContent = (a: Project, b: Project): boolean =>
  a.categories === b.categories &&
  a.pictures.length === b.pictures.length &&
  a.pictures.every((picture, i) => hasSameContent(picture, b.pictures[i]))

const hasSameContent = (a: Picture, b: Picture): boolean =>
  a === b || (a.id === b.id && a.name === b.name && a.objects === b.objects && a.suggestions === b.suggestions)

/** Shows the picture that differs from `before`; if none does, the same picture as before. */
function shownWhere(history: ProjectHistory, before: Project): ProjectHistory {
  const { present } = history
  const changed = present.pictures.find(picture => {
    const earlier = pictureOf(before, picture.id)
    return !earlier || !hasSameContent(picture, earlier)
  })
  const current = changed?.id ?? pictureOf(present, before.current)?.id ?? present.current
  return current === present.current ? history : { ...history, present: { ...present, current } }
}
