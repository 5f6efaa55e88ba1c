/**
 * `@sam/backend-wasm`: runs graphs in WebAssembly, for devices without a GPU.
 * @packageDocumentation
 */
export { wasm, type WasmOptions } from './backend.js'
export type { WasmPaths } from './start.js'
export { pickBackend, type Choice, type PickOptions } from './pick.js'
