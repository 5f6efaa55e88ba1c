/**
 * `@sam/annotator`: the web component `<sam-annotator>`, its document, and the annotator behind it.
 * @packageDocumentation
 */
export * from './document/project.js'
export * from './document/pictures.js'
export * from './document/objects.js'
export * from './document/prompts.js'
export * from './document/categories.js'
export * from './document/suggestions.js'
export type { History } from './document/history.js'
export type { ProjectHistory } from './document/project-history.js'
export type {
  Annotator,
  AnnotatorState,
  Level,
  MaskedObject,
  PictureFile,
  Snapshot,
  Task,
  Tool
} from './store/annotator.js'
export type { ImageLike, SamLike } from './store/sam-like.js'
export { createAnnotator } from './store/create-annotator.js'
export { keyHelp, toolKeys } from './stage/keys.js'
export { pathOf, type Outline } from './stage/draw.js'
export { SamAnnotatorElement, type ObjectWithMask, type SamAnnotatorEventMap } from './element.js'
