import { distinctColor, type AutomaticMask, type Box, type Mask, type Point } from '@sam/core'

/** A project: pictures with their objects, and the objects' categories. Immutable: a transition returns another. */
export interface Project {
  readonly pictures: readonly Picture[]
  /** Id of the picture that is shown; undefined only if there are none. */
  readonly current?: string | undefined
  readonly categories: readonly Category[]
  /** Id of the category of the next object. */
  readonly nextCategory?: number | undefined
}

/** A picture. Its pixels are not part of the document: whoever keeps the document keeps them, by the picture's id. */
export interface Picture {
  readonly id: string
  /** File name. */
  readonly name: string
  /** Pixels of the upright picture. All coordinates of the document are pixels of it, from its top left corner. */
  readonly width: number
  readonly height: number
  readonly objects: readonly AnnotatedObject[]
  /** Automatic masks that are no objects yet. */
  readonly suggestions?: readonly Suggestion[] | undefined
  /** Id of the selected object. Undefined: the next prompt or stroke begins a new object. */
  readonly active?: number | undefined
}

/**
 * An object in a picture. Its mask is what the model predicts from the prompts, else `base`, with the strokes painted
 * over it.
 */
export interface AnnotatedObject {
  /** Unique in its picture. */
  readonly id: number
  readonly name: string
  /** Id of its category. */
  readonly category?: number | undefined
  readonly prompts: Prompts
  /** Index of the chosen one of the predicted masks. */
  readonly choice: number
  /** A mask that was not predicted from the prompts: of automatic mask generation, a phrase, a merge, a file. */
  readonly base?: Mask | undefined
  readonly strokes: readonly Stroke[]
  /** How well a phrase describes it, 0 … 1; undefined if it was not found by one. */
  readonly score?: number | undefined
  readonly visible: boolean
  /** A locked object cannot be changed or removed, and clicks ignore it. */
  readonly locked: boolean
}

/** The prompts of one object. Their identity stands for their prediction: changed prompts are other prompts. */
export interface Prompts {
  readonly points: readonly Point[]
  readonly box?: Box | undefined
  /** The mask that they refine. */
  readonly from?: Mask | undefined
  /** Predict three masks to choose from, although there are several points: see `PredictOptions.multimask`. */
  readonly multimask?: boolean | undefined
}

/** A line that is painted into the mask, or erased from it, with a round brush. */
export interface Stroke {
  /** In pixels of the picture. */
  readonly radius: number
  readonly erase: boolean
  readonly line: readonly Position[]
}

/** x, y in pixels of the picture. */
export type Position = readonly [x: number, y: number]

/** An automatic mask: see `AutomaticMask`. */
export type Suggestion = Pick<AutomaticMask, 'mask'> & Partial<Pick<AutomaticMask, 'point' | 'tokenIndex'>>

/** A class of objects. */
export interface Category {
  readonly id: number
  readonly name: string
  /** `#rrggbb` */
  readonly color: string
  /** A key that assigns it, such as `1`. */
  readonly shortcut?: string | undefined
}

export const emptyProject: Project = { pictures: [], categories: [] }

export const noPrompts: Prompts = { points: [] }

/** Whether there is nothing to predict from. */
export const hasNoPrompts = ({ points, box }: Prompts): boolean => !points.length && !box

/** Whether an object can have no mask: no prompts, no base and no strokes. */
export const isBlank = ({ prompts, base, strokes }: AnnotatedObject): boolean =>
  hasNoPrompts(prompts) && !base && !strokes.length

export const pictureOf = (project: Project, id = project.current): Picture | undefined =>
  project.pictures.find(picture => picture.id === id)

export const objectOf = (picture: Picture | undefined, id: number | undefined): AnnotatedObject | undefined =>
  picture?.objects.find(object => object.id === id)

/** The selected object of the picture that is shown. */
export const activeObject = (project: Project): AnnotatedObject | undefined => {
  const picture = pictureOf(project)
  return objectOf(picture, picture?.active)
}

export const categoryOf = (project: Project, id: number | undefined): Category | undefined =>
  project.categories.find(category => category.id === id)

/** An object's colour: that of its category, else one from its id. A CSS colour. */
export const colorOf = (project: Project, { id, category }: Pick<AnnotatedObject, 'id' | 'category'>): string =>
  categoryOf(project, category)?.color ?? `rgb(${distinctColor(id - 1).join(' ')})`

/** Changes a picture; default: the one that is shown. Returns the project itself if nothing changes. */
export function changePicture(
  project: Project,
  change: (picture: Picture) => Picture,
  id: string | undefined = project.current
): Project {
  const before = pictureOf(project, id)
  const after = before && change(before)
  if (after === before) return project
  return { ...project, pictures: project.pictures.map(picture => (picture === before ? after! : picture)) }
}
