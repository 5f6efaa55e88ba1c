import type { Picture, Project } from './project.js'

/** Adds pictures at the end and shows the first of them. */
export const addPictures = (
  project: Project,
  added: readonly Pick<Picture, 'id' | 'name' | 'width' | 'height'>[]
): Project =>
  added.length
    ? {
        ...project,
        pictures: [...project.pictures, ...added.map(picture => ({ ...picture, objects: [] }))],
        current: added[0].id
      }
    : project

/** Shows a picture. */
export const showPicture = (project: Project, id: string): Project =>
  id !== project.current && project.pictures.some(picture => picture.id === id) ? { ...project, current: id } : project

/** Shows the picture that lies so many places after the current one in the list. */
export function stepPicture(project: Project, step: number): Project {
  const at = project.pictures.findIndex(picture => picture.id === project.current) + step
  return project.pictures[at] ? showPicture(project, project.pictures[at].id) : project
}

/** Removes a picture with its objects, and shows its neighbour if it was shown. */
export function removePicture(project: Project, id: string): Project {
  const at = project.pictures.findIndex(picture => picture.id === id)
  if (at < 0) return project
  const pictures = project.pictures.filter(picture => picture.id !== id)
  const current = project.current === id ? (pictures[at] ?? pictures[at - 1])?.id : project.current
  return { ...project, pictures, current }
}
