/**
 * What every backend on onnxruntime shares, wherever it runs.
 * @packageDocumentation
 */
export { checkOptions, mustHold, onnxRuntimeBackend, type OnnxRuntimeOptions } from './backend.js'
export { runtimeFailed } from './failures.js'
export { elementTypes, type OpenOptions, type Runtime, type Session, type TensorType } from './runtime.js'
