/**
 * Graphs in WebAssembly: what runs where there is no GPU.
 * @packageDocumentation
 */
export { wasm, type WasmOptions } from './backend.js'
export type { WasmPaths } from './start.js'
export { pickBackend, type Choice, type PickOptions } from './pick.js'
