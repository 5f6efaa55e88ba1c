/**
 * Segment Anything in TypeScript: load a checkpoint, encode an image once, answer prompts as often as you like.
 * @packageDocumentation
 */
export {
  loadSam,
  type EncodedImage,
  type ImageInput,
  type LoadOptions,
  type Multimask,
  type Prediction,
  type PredictOptions,
  type Progress,
  type Sam
} from './predictor/sam.js'
export {
  queryThresholds,
  type Detection,
  type Detector,
  type Instance,
  type QueryOptions,
  type QueryRoute
} from './predictor/query.js'
export type { AutomaticMask, EverythingOptions } from './predictor/everything.js'
export { checkPlaces, maxPoints, maxPrompts, type Box, type Point, type Prompt } from './predictor/prompt.js'
export {
  checkPhrase,
  maxPhraseLength,
  type CropEncoder,
  type EmbedOptions,
  type PhraseEncoder,
  type TextModel
} from './predictor/phrases.js'
export { handMadeLogit, Mask, type MaskPrompt } from './predictor/mask.js'
export { distinctColor, overlay, type OverlayOptions } from './predictor/overlay.js'
export { decodeRle, type CocoRle, type Rle } from './predictor/amg/rle.js'
export { rasterize } from './predictor/rasterize.js'
export type { Bitmap } from './predictor/bitmap.js'
export { frameOf, toInput, type Frame } from './predictor/frame.js'
export {
  decodeMasks,
  encodeImage,
  upscaleMasks,
  type DecodeSignature,
  type EncodeSignature,
  type PromptSignature
} from './sam/graphs.js'
export { modelCost, type GraphCost, type MemoryCost, type ModelCost, type PartCost } from './sam/cost.js'
export { pointLabels } from './sam/prompt-encoder.js'
export {
  configs,
  gridSize,
  isVit,
  lowResSize,
  tiny,
  tinyTest,
  vitB,
  vitH,
  vitL,
  type CustomEncoder,
  type SamConfig,
  type VitConfig
} from './sam/config.js'
export { configKey, parseConfig, recognise } from './sam/recognise.js'
export { openWeights, type WeightsLike } from './weights/open.js'
export { memoryWeights, storedIn, type WeightInfo, type WeightSource } from './weights/source.js'
export { writeSafetensors } from './weights/safetensors.js'
export { writePth } from './weights/pth-write.js'
export { decodeImage, encodePng, writeFileAtomic } from '#io'
export { normalizeImage, pixelMean } from './image/normalize.js'
export { longestSideSize, resizeImage } from './image/resize.js'
export type { PixelSource, RgbImage } from './image/image.js'
export type { SampleOptions } from './image/samples.js'
export { BackendError, GraphError, InputError, printable, SamError, WeightsError, type SamErrorCode } from './errors.js'
export type { Backend } from './backend/backend.js'
