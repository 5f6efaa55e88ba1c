import type { AutomaticMaskOptions, Mask, MaskNode, Point, QueryOptions } from '@sam/core'
import type { NewObject } from '../document/objects.js'
import type { ProjectHistory } from '../document/project-history.js'
import type { AnnotatedObject, Category, Picture, Position, Project, Stroke, Suggestion } from '../document/project.js'
import type { SamLike } from './sam-like.js'

/**
 * What a pointer or the keyboard's crosshair does on the picture.
 * - `select`: a click selects the object under it
 * - `include`, `exclude`: a click adds a foreground or background point
 * - `box`: a drag adds an object with this box
 * - `brush`, `erase`: a drag paints into the mask of the selected object, or erases from it
 * - `hand`: a drag moves the picture
 */
export type Tool = 'select' | 'include' | 'exclude' | 'box' | 'brush' | 'erase' | 'hand'

/** An operation in progress. */
export interface Task {
  readonly text: string
  /** Its progress, 0 … 1, if known. */
  readonly part?: number | undefined
}

/** Which automatic masks are shown: all, or those of one level of the tree of `maskTree`. */
export type Level = 'all' | MaskNode<unknown>['level']

/** Everything that views show. Immutable. */
export interface AnnotatorState {
  readonly history: ProjectHistory
  readonly tool: Tool
  /** Diameter of the brush on the screen, in CSS pixels. */
  readonly brush: number
  /** The pixels of the picture that is shown, once they are decoded. */
  readonly image?: ImageBitmap | undefined
  readonly sam?: SamLike | undefined
  /** Whether the picture that is shown is encoded, so that prompts are predicted at once. */
  readonly ready: boolean
  /** The latest of the operations in progress. */
  readonly busy?: Task | undefined
  /** The mask that a click at the pointer would give, or that the prompts have while they are dragged. */
  readonly preview?: Mask | undefined
  readonly level: Level
  /** How many predictions have arrived: it changes when an object's mask does. */
  readonly predictions: number
  /** One line on what happened, for a live region. */
  readonly status: string
  readonly error?: Error | undefined
}

/** A file from the user. */
export interface PictureFile {
  readonly blob: Blob
  readonly name: string
}

/** A project with everything that is kept of it: pixels by the pictures' ids, and predicted masks. */
export interface Snapshot {
  readonly project: Project
  /** The file of a picture. */
  readonly blobOf: (pictureId: string) => Blob | undefined
  /** The predicted masks of an object, from which it has chosen one; undefined if there are none. */
  readonly candidatesOf: (object: AnnotatedObject) => readonly Mask[] | undefined
}

/** An object with its final mask. */
export interface MaskedObject {
  readonly object: AnnotatedObject
  readonly category: Category | undefined
  readonly mask: Mask
}

/**
 * An annotator's work: the document with its history, the model, and the masks that it predicts. The element
 * `<sam-annotator>` shows one; it works without any element too.
 */
export interface Annotator {
  readonly state: AnnotatorState
  readonly project: Project
  /** The picture that is shown. */
  readonly picture: Picture | undefined
  /** The selected object. */
  readonly active: AnnotatedObject | undefined
  /** Calls `listener` after each change of the state. Returns a function that ends this. */
  subscribe(listener: () => void): () => void
  set(part: Partial<Pick<AnnotatorState, 'tool' | 'brush' | 'level' | 'status'>> & { error?: Error | undefined }): void

  /**
   * Changes the document by a transition, such as `project => removeObjects(project, [1])`, and adds a step to the
   * history. What only shows or selects something is no step.
   */
  act(transition: (project: Project) => Project): void
  undo(): void
  redo(): void

  /** The model. Masks that another one predicted stay as they are. The caller disposes of it. */
  setSam(sam: SamLike | undefined): void
  /** Encodes the picture that is shown again, after the device was lost. */
  recover(): Promise<void>
  /** Aborts all operations in progress. */
  stop(): void

  /**
   * Adds pictures and shows the first of them. Resolves when all are in the document; those that cannot be decoded are
   * left out, and `error` names them.
   */
  addPictures(files: readonly PictureFile[]): Promise<void>
  /** Opens a project in place of this one, with an empty history. */
  open(snapshot: Snapshot): void
  /** The project as it is, with its files and masks. It does not change. */
  snapshot(): Snapshot

  /** Adds a point to the selected object, or begins one. A foreground or background point. */
  addPoint(point: Point): void
  /** Paints a stroke. The first one of a new object prompts the model as well. */
  addStroke(stroke: Stroke): void
  /** Previews the mask of a click at this position; undefined ends the preview. */
  preview(at: Position | undefined): void
  /** Previews the mask of the selected object while its prompts are dragged; undefined ends the preview. */
  previewPrompts(prompts: AnnotatedObject['prompts'] | undefined): void
  /** Chooses one of the predicted masks of the selected object. Does nothing if there is no such mask. */
  choose(choice: number): void

  /** Finds the objects that a phrase describes, and adds those that are not in the document yet. */
  addPhrase(phrase: string, options?: Omit<QueryOptions, 'signal'>): Promise<void>
  /** Suggests automatic masks as they are found. */
  generate(options?: Omit<AutomaticMaskOptions, 'signal' | 'onProgress'>): Promise<void>
  /** The suggestions to show at the current level. */
  suggestions(): readonly Suggestion[]
  /** Makes objects of suggestions. */
  pick(suggestions: readonly Suggestion[], part?: NewObject): void
  /** Removes suggestions. Default: all of this picture. */
  dismiss(suggestions?: readonly Suggestion[]): void
  /** Merges objects into the first of them. */
  merge(ids: readonly number[]): void
  /** Removes the pixels of a mask from an object. */
  subtract(id: number, mask: Mask): void
  /** Adds the pixels of a mask to an object. */
  unite(id: number, mask: Mask): void

  /** The predicted masks of an object to choose from, best first; undefined until they are predicted. */
  candidates(object: AnnotatedObject): readonly Mask[] | undefined
  /** The mask of an object; undefined until it is predicted. It can be empty. */
  maskOf(object: AnnotatedObject, picture?: Picture): Mask | undefined
  /** The mask to show: while a prediction is pending, the one before. */
  shown(object: AnnotatedObject): Mask | undefined
  /** The low-resolution mask that the next prompt of the selected object refines. */
  refined(): Mask | undefined
  /** The visible objects of a picture that have a mask with at least one pixel: what is exported. */
  masked(picture?: Picture): readonly MaskedObject[]
  /** The visible, unlocked object with the smallest mask at a position. */
  objectAt(at: Position): AnnotatedObject | undefined
  /** The smallest of the shown suggestions at a position. */
  suggestionAt(at: Position): Suggestion | undefined
  /** The file of a picture. */
  blobOf(pictureId: string): Blob | undefined
  /** Shows an error. Aborts are ignored. */
  fail(error: unknown): void
}
