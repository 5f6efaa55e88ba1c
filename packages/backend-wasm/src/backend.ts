import { InputError, readOptions, refuse, type Backend } from '@sam/core/graph'
import { checkOptions, onnxRuntimeBackend, type OnnxRuntimeOptions } from '@sam/onnxruntime'
import { wasmRuntime } from './session.js'
import { startRuntime, type WasmPaths } from './start.js'

export interface WasmOptions extends OnnxRuntimeOptions {
  readonly wasmPaths: WasmPaths
  /**
   * Threads per run. Default: half the machine's, at most 4, if the page is cross-origin isolated (headers COOP and
   * COEP), else 1: without isolation browsers have no shared memory.
   */
  readonly threads?: number | undefined
}

/**
 * Runs on the CPU in WebAssembly with SIMD, in browsers and in Node. It computes on the calling thread: load the model
 * in a worker to keep a page responsive. Throws `BackendError` `E_BACKEND_UNAVAILABLE` if the runtime's files are not
 * served, `InputError` `E_BAD_OPTION`.
 *
 * @example
 * const backend = await wasm({ wasmPaths: '/onnxruntime/' })
 */
export async function wasm(options: WasmOptions): Promise<Backend> {
  const names = { wasmPaths: true, threads: true, precision: true, decompose: true } as const
  const { wasmPaths, threads = defaultThreads(), precision, decompose } = readOptions('wasm', options, names)
  if (wasmPaths === undefined)
    refuse('E_BAD_OPTION', "wasmPaths: must be the URL of onnxruntime-web's files, such as '/onnxruntime/', found none")
  checkOptions({ threads, precision, decompose })
  if (threads > 1 && !isolated()) {
    throw new InputError(
      'E_BAD_OPTION',
      `threads: more than 1 needs a page that is cross-origin isolated (headers COOP and COEP); in Node, use cpu() of @sam/backend-cpu. ` +
        `Found ${threads}`
    )
  }
  const ort = await startRuntime({ wasmPaths, threads })
  return onnxRuntimeBackend('wasm', wasmRuntime(ort), { decompose, precision })
}

const isolated = (): boolean => (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true

const defaultThreads = (): number =>
  isolated() ? Math.max(1, Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2))) : 1
