/**
 * `@sam/core/graph`: the graph, its passes, and the interface between graphs and backends. For backends, training and
 * export.
 * @packageDocumentation
 */
export * from './errors.js'
export { disposedOf, whenCollected } from './collected.js'
export { readOptions } from './options.js'
export { bytesPerElement, arrayOf, type DType, type DTypeArrays } from './tensor/dtype.js'
export * from './tensor/shape.js'
export * from './tensor/tensor.js'
export * from './tensor/half.js'
export * from './tensor/interpolate.js'
export { batches } from './tensor/batches.js'
export { lengthOf, unitVector } from './tensor/unit-vector.js'
export {
  constant,
  describe,
  input,
  nameOf,
  param,
  type Attr,
  type Attrs,
  type Composite,
  type Value
} from './ir/value.js'
export * from './ir/graph.js'
export { print } from './ir/print.js'
export { isPrimitive, traits, type Primitive, type Primitives, type Trait } from './ops/primitives.js'
export * as ops from './ops/index.js'
export * as nn from './nn/index.js'
export { scope, type Scope } from './nn/scope.js'
export { evaluate, exact, toHost, type Bindings } from './reference/evaluate.js'
export type { Exact } from './reference/exact.js'
export { absorbProjections } from './passes/absorb-projections.js'
export { decompose } from './passes/decompose.js'
export { differentiate, type DifferentiateOptions } from './passes/differentiate.js'
export { dropBranches, type DropOptions, type DroppedBranches } from './passes/drop-branches.js'
export { simplify } from './passes/simplify.js'
export { feedParams, substitute } from './passes/substitute.js'
export { stage, type Stages } from './passes/stage.js'
export { verify } from './passes/verify.js'
export type { Backend, CompileOptions, DeviceTensor, Executable, Feeds, PictureTarget } from './backend/backend.js'
export { CompiledGraphs } from './backend/compiled-graphs.js'
export { checkBackend } from './backend/check-backend.js'
export { checkFeeds } from './backend/feeds.js'
export { SharedWork } from './backend/shared-work.js'
export { untilAborted } from './backend/until-aborted.js'
export { checkPart, partOf, type Part } from './backend/part.js'
export { pictureSize, type Picture, type RgbaBytes } from './image/picture.js'
export { prepare, type PreparedGraphs } from './backend/prepare.js'
export { openWeights, type WeightsLike } from './weights/open.js'
export { match, type WantedWeight } from './weights/match.js'
export {
  memoryWeights,
  renamed,
  storedIn,
  weightSource,
  type ByteSource,
  type WeightInfo,
  type WeightLocation,
  type WeightSource
} from './weights/source.js'
export { stridedEntry } from './weights/strided.js'
export { reasonOf } from './io/errno.js'
export { cacheFolder, isRunning, memoryBytes, openFile, removeLeftovers } from '#io'
export { storedBytes, type StoredDType } from './weights/stored.js'
export { shownAddress, withoutCredentials } from './io/address.js'
export { delay } from './io/delay.js'
