/**
 * `@sam/scenes`: generated scenes with exact masks, parts and captions.
 * @packageDocumentation
 */
export { scenes, type Scene, type SceneMask, type SceneOptions, type Scenes } from './scene.js'
export { captionOf, withArticle, type Description } from './description.js'
export { kindNames } from './shapes.js'
export { valueNoise } from './surface.js'
