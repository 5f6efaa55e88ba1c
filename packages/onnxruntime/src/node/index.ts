/**
 * `@sam/onnxruntime/node`: common parts of the backends on onnxruntime-node.
 * @packageDocumentation
 */
export { checkNodeOptions, nodeBackend, type NodeOptions } from './backend.js'
