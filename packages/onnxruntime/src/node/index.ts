/**
 * What the backends on onnxruntime-node share.
 * @packageDocumentation
 */
export { checkNodeOptions, nodeBackend, type NodeOptions } from './backend.js'
export { mustHold } from '../backend.js'
