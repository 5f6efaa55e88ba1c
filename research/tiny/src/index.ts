/**
 * `@sam/research-tiny`: how the embedded models of `@sam/model-tiny` are trained. Private; see DIARY.md.
 * @packageDocumentation
 */
export { recipes, tinyText, type TinyRecipe } from './recipes.js'
export { hooks } from './hooks.js'
export { parameterAveraging } from './parameter-averaging.js'
export { resampleSam, canResample } from './resample/sam.js'
export { resampleClip } from './resample/clip.js'
export { refitTextProjection, type CropPairs } from './grounding/refit-text-projection.js'
export { clipRecipes } from './contrastive/recipe.js'
export { trainClip } from './contrastive/train-clip.js'
export { evaluateText } from './eval/text.js'
export { textTable } from './eval/text-table.js'
export { sentence } from './text/phrase.js'
export { singleWords } from './text/single-words.js'
