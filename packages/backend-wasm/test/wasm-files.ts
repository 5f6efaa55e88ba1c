import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** The folder of onnxruntime-web's files. */
export const wasmPaths = new URL(
  '.',
  pathToFileURL(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
)
