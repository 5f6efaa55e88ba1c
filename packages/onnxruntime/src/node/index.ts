/**
 * `@sam/onnxruntime/node`: common parts of the backends on onnxruntime-node.
 * @packageDocumentation
 */
export { nodeBackend, type NodeOptions } from './backend.js'
