/**
 * `@sam/annotator/storage`: keeps a project in the browser, and writes it as a file.
 * @packageDocumentation
 */
export { autosave, type Autosave, type AutosaveOptions, type SaveState } from './autosave.js'
export { readProjectFile, writeProjectFile } from './project-file.js'
