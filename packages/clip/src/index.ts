/**
 * Words for Segment Anything: CLIP's transformers as graphs that any backend runs.
 * @packageDocumentation
 */
export { clipConfigJson, clipConfigs, parseClipConfig, patchGrid, type ClipConfig, type TextTower, type Tower, type VisionTower } from './graph/config.js'
export { encodeText, textEmbeds, type TextSignature } from './graph/text-model.js'
export { encodeCrops, imageEmbeds, type VisionSignature } from './graph/vision-model.js'
