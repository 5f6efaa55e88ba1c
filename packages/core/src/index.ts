/**
 * Segment Anything in TypeScript: load a checkpoint, encode an image once, predict masks for any number of
 * prompts.
 * @packageDocumentation
 */
export { loadSam, type LoadOptions, type Progress } from './sdk/load.js'
export type { Sam } from './sdk/sam.js'
export type { EncodedImage, PredictOptions } from './sdk/encoded-image.js'
export type { EncodeAllOptions, EncodedSource } from './sdk/encode-all.js'
export type { ImageInput } from './sdk/preprocess.js'
export type { Point, Prompt } from './prompts/prompt.js'
export type { MaskPrompt } from './prompts/mask-prompt.js'
export type { Multimask, Prediction } from './prompts/promptable.js'
export type { AutomaticMask, MaskUpdate } from './automatic/generator.js'
export { paperMaskOptions, type AutomaticMaskOptions } from './automatic/options.js'
export { tiledMasks, type TiledMaskOptions, type TileEncoder } from './automatic/tiles.js'
export { maskTree, type MaskNode } from './automatic/tree.js'
export {
  queryThresholds,
  type Detection,
  type Detector,
  type Instance,
  type QueryOptions,
  type QueryRoute
} from './text-search/query.js'
export type { TextModel } from './text-search/crop-encoder.js'
export { Mask, type MaskJson } from './masks/mask.js'
export { labelMap, type LabelMap, type LabelMapOptions } from './masks/label-map.js'
export type { Bitmap } from './masks/bitmap.js'
export type { Box } from './masks/box.js'
export type { MultiPolygon } from './masks/polygons.js'
export type { CocoRle, Rle } from './masks/rle.js'
export { distinctColor } from './draw/colors.js'
export { overlay, type OverlayOptions } from './draw/overlay.js'
export { decodeImage, encodePng, openLargeImage } from '#io'
export type { LargeImage } from './image/large-image.js'
export type { PixelSource, RgbImage } from './image/image.js'
export type { SampleOptions } from './image/samples.js'
export { configs, type SamConfig } from './sam/config.js'
export { openWeights, type WeightsLike } from './weights/open.js'
export type { DownloadOptions } from './weights/hub.js'
export type { WeightSource } from './weights/source.js'
export type { Backend } from './backend/backend.js'
export { BackendError, GraphError, InputError, SamError, WeightsError, type SamErrorCode } from './errors.js'
