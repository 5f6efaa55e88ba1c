export { toOnnxOfAnyBatch } from './any-batch.js'
export { toOnnx, type OnnxModel, type OnnxOptions } from './lower.js'
export { keeps } from './emit/index.js'
export type { ExternalData } from './initializers.js'
