/** The embedded model: the one line to change for another. */
export { tinyModel as embeddedModel } from '@sam/model-tiny'
