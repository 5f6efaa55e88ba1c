/**
 * `@sam/clip`: text for Segment Anything: CLIP as graphs for any backend, and CLIP's text model through
 * transformers.js.
 * @packageDocumentation
 */
export {
  clipConfigJson,
  clipConfigs,
  parseClipConfig,
  patchGrid,
  type ClipConfig,
  type TextTower,
  type Tower,
  type VisionTower
} from './graph/config.js'
export { encodeText, textEmbeds, type TextSignature } from './graph/text-model.js'
export { encodeCrops, imageEmbeds, type VisionSignature } from './graph/vision-model.js'
export { loadClip, type Clip, type ClipOptions } from './clip.js'
export { readClipFolder, type ClipFiles, type ClipUrls } from './folder.js'
export { cropFeeds, type CropFeeds, type Cut } from './crop-feeds.js'
export { cropObject, normalizeInto, type Crop, type CropRule } from './crop.js'
export { openTokenizer, type Tokenize } from './tokenizer.js'
export { photoTemplates } from './templates.js'
export type { PhraseOptions } from './phrase-encoder.js'
export { clipText, type ClipText, type ClipTextOptions } from './transformers-text.js'
export type { TransformersModule } from './transformers-module.js'
export { zeroShotDetector, type ZeroShotDetector, type ZeroShotOptions } from './detector.js'
export { layoutFiles, layoutModels, type LayoutModel } from './layout.js'
export { normalized } from './vectors.js'
