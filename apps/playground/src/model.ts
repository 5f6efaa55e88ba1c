/** The embedded model. To embed another, change this line. */
export { tinyModel as embeddedModel } from '@sam/model-tiny'
