/**
 * `@sam/core/model`: SAM below the SDK: configurations and graphs, prompts as graph inputs, image preprocessing, masks
 * as data, writing checkpoints, what a text model implements. For training, export and tools.
 * @packageDocumentation
 */
export {
  configs,
  gridSize,
  isTinyVit,
  isVit,
  lowResSize,
  type CustomEncoder,
  type SamConfig,
  type TinyVitConfig,
  type VitConfig
} from './sam/config.js'
export { parseConfig } from './sam/parse-config.js'
export { configKey, recognise } from './sam/recognise.js'
export { decodeMasks, encodeImage, upscaleMasks, type EncodeSignature, type PromptSignature } from './sam/graphs.js'
export { modelCost, type GraphCost, type MemoryCost, type ModelCost, type PartCost } from './sam/model-cost.js'
export { densePositions, pointLabels } from './sam/prompt-encoder.js'
export { checkCoordinates } from './prompts/check-prompt.js'
export { checkPhrase, type EmbedOptions, type PhraseEncoder } from './prompts/phrases.js'
export { hasPadding, isAmbiguous, maskTokens, type DecoderPrompt } from './prompts/decoder-prompt.js'
export type { CropEncoder } from './text-search/crop-encoder.js'
export { promptFeeds, promptSignature } from './prompts/prompt-feeds.js'
export { maxPoints, maxPrompts } from './prompts/prompt.js'
export { imageFileName } from './image/format.js'
export { frameOf, toInput, type Frame } from './image/frame.js'
export { normalizeImage, pixelMean, pixelStd } from './image/normalize.js'
export { longestSideSize, resizeImage } from './image/resize.js'
export { bitmapBox, boxArea, boxIou, toLastPixels, toXywh, type Box } from './masks/box.js'
export type { Bitmap } from './masks/bitmap.js'
export { signedArea, type MultiPolygon, type Polygon, type Position, type Ring } from './masks/polygons.js'
export { rasterize } from './masks/rasterize.js'
export { decodeRle, type CocoRle, type Rle } from './masks/rle.js'
export { embeddingFormat } from './sdk/embedding-file.js'
export { toHuggingFace } from './weights/hugging-face.js'
export { shiftRuns, uniteRuns, type Runs } from './masks/runs.js'
export { simplifyLine } from './masks/simplify-polygons.js'
export { storedIn } from './weights/source.js'
export { writePth } from './weights/pth-write.js'
export { writeSafetensors } from './weights/safetensors.js'
export { parsePythonJson } from './io/python-json.js'
export type { PictureHeader, StoredSamples } from './image/samples.js'
export { decodeSamples, readPictureHeader, stageFile, writeFileAtomic, type StagedFile } from '#io'
