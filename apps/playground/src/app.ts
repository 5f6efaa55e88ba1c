import type { Annotator, SamAnnotatorElement } from '@sam/annotator'
import type { Models } from './models.js'
import type { ProjectStorage } from './project-storage.js'

/** The page: the annotator in its stage, the model, and the storage. The views read them, and call their functions. */
export interface App {
  readonly annotator: Annotator
  readonly stage: SamAnnotatorElement
  readonly models: Models
  readonly storage: ProjectStorage
}
