/**
 * `@sam/onnxruntime`: common parts of all backends on onnxruntime.
 * @packageDocumentation
 */
export { checkOptions, onnxRuntimeBackend, type OnnxRuntimeOptions } from './backend.js'
export { runtimeFailed } from './failures.js'
export { elementTypes, type OpenOptions, type Runtime, type Session, type TensorType } from './runtime.js'
