import { distinctColor } from '@sam/core'
import { changeObject } from './objects.js'
import { activeObject, type Category, type Project } from './project.js'

/**
 * Adds a category. Default colour: one that differs from the others; default shortcut: the first free digit. A name
 * that exists already, or is empty, adds nothing.
 */
export function addCategory(
  project: Project,
  name: string,
  given: Partial<Omit<Category, 'id' | 'name'>> = {}
): Project {
  const { categories } = project
  const trimmed = name.trim()
  if (!trimmed || categories.some(category => category.name === trimmed)) return project
  const id = Math.max(0, ...categories.map(category => category.id)) + 1
  const taken = categories.map(category => category.shortcut)
  const shortcut = [...'123456789'].find(key => !taken.includes(key))
  return { ...project, categories: [...categories, { id, name: trimmed, color: hex(id - 1), shortcut, ...given }] }
}

/** Changes a category: its name, colour or shortcut. A shortcut belongs to one category: the others lose it. */
export const changeCategory = (project: Project, id: number, part: Partial<Omit<Category, 'id'>>): Project => ({
  ...project,
  categories: project.categories.map(category =>
    category.id === id
      ? { ...category, ...part }
      : part.shortcut !== undefined && category.shortcut === part.shortcut
        ? { ...category, shortcut: undefined }
        : category
  )
})

/** Removes a category; its objects, in all pictures, then have none. */
export const removeCategory = (project: Project, id: number): Project => ({
  ...project,
  categories: project.categories.filter(category => category.id !== id),
  nextCategory: project.nextCategory === id ? undefined : project.nextCategory,
  pictures: project.pictures.map(picture =>
    picture.objects.some(object => object.category === id)
      ? {
          ...picture,
          objects: picture.objects.map(object => (object.category === id ? { ...object, category: undefined } : object))
        }
      : picture
  )
})

/** Assigns a category to the selected object, and to the objects that are made next. Undefined: none. */
export function assignCategory(project: Project, id: number | undefined): Project {
  const object = activeObject(project)
  return { ...(object ? changeObject(project, object.id, { category: id }) : project), nextCategory: id }
}

const hex = (index: number): string =>
  `#${distinctColor(index)
    .map(channel => channel.toString(16).padStart(2, '0'))
    .join('')}`
