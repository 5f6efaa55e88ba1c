import type { Annotator, SamAnnotatorElement } from '@sam/annotator'
import type { Models } from './models.js'

/** The page: the annotator in its stage, and the model. The views read them, and call their functions. */
export interface App {
  readonly annotator: Annotator
  readonly stage: SamAnnotatorElement
  readonly models: Models
}
