import type { Mask } from '@sam/core'
import {
  changePicture,
  noPrompts,
  objectOf,
  pictureOf,
  type AnnotatedObject,
  type Picture,
  type Project
} from './project.js'

/** The id of the next object of a picture. */
export const nextId = ({ objects }: Picture): number => Math.max(0, ...objects.map(object => object.id)) + 1

/** What a new object is given. */
export type NewObject = Partial<Omit<AnnotatedObject, 'id'>>

const blank = (id: number, category: number | undefined): AnnotatedObject => ({
  id,
  name: `Object ${id}`,
  category,
  prompts: noPrompts,
  choice: 0,
  strokes: [],
  visible: true,
  locked: false
})

/** Adds objects to the picture that is shown, and selects the last of them. */
export const addObjects = (project: Project, added: readonly NewObject[]): Project =>
  changePicture(project, picture =>
    added.reduce<Picture>((before, part) => {
      const id = nextId(before)
      return {
        ...before,
        objects: [...before.objects, { ...blank(id, project.nextCategory), ...part, id }],
        active: id
      }
    }, picture)
  )

/** Selects an object of the picture that is shown. Undefined: the next prompt or stroke begins a new object. */
export const select = (project: Project, id: number | undefined): Project =>
  changePicture(project, picture =>
    picture.active === id || (id !== undefined && !objectOf(picture, id)) ? picture : { ...picture, active: id }
  )

/** Selects the object that lies so many places after the selected one in the list, around its ends. */
export const stepObject = (project: Project, step: number): Project => {
  const { objects = [], active } = pictureOf(project) ?? {}
  if (!objects.length) return project
  const at = objects.findIndex(object => object.id === active)
  const next = at < 0 ? (step > 0 ? 0 : -1) : (at + step) % objects.length
  return select(project, objects.at(next)!.id)
}

/** Changes an object of the picture that is shown. A locked object can only be unlocked, shown or hidden. */
export const changeObject = (project: Project, id: number, part: NewObject): Project =>
  changePicture(project, picture => {
    const before = objectOf(picture, id)
    if (!before || (before.locked && Object.keys(part).some(name => name !== 'locked' && name !== 'visible')))
      return picture
    return { ...picture, objects: picture.objects.map(object => (object === before ? { ...object, ...part } : object)) }
  })

/** Names an object. An empty name is its default one. */
export const renameObject = (project: Project, id: number, name: string): Project =>
  changeObject(project, id, { name: name.trim() || `Object ${id}` })

/** Removes objects, except for locked ones. If the selected object is removed, none is selected. */
export const removeObjects = (project: Project, ids: readonly number[]): Project =>
  changePicture(project, picture => {
    const objects = picture.objects.filter(object => object.locked || !ids.includes(object.id))
    if (objects.length === picture.objects.length) return picture
    const kept = objects.some(object => object.id === picture.active)
    return { ...picture, objects, active: kept ? picture.active : undefined }
  })

/** Adds a copy of an object, unlocked, and selects it. */
export const duplicateObject = (project: Project, id: number): Project => {
  const object = objectOf(pictureOf(project), id)
  return object
    ? addObjects(project, [{ ...object, name: `${object.name} copy`, visible: true, locked: false }])
    : project
}

/** Replaces the mask of an object, whose prompts and strokes end. */
export const replaceMask = (project: Project, id: number, mask: Mask): Project =>
  changeObject(project, id, { base: mask, prompts: noPrompts, strokes: [], choice: 0 })

/** Merges objects into the first of them, whose mask becomes `mask`, their union; the others are removed. */
export const mergeObjects = (project: Project, [first, ...rest]: readonly number[], mask: Mask): Project => {
  const picture = pictureOf(project)
  if ([first, ...rest].some(id => objectOf(picture, id)?.locked !== false)) return project
  return select(removeObjects(replaceMask(project, first, mask), rest), first)
}
