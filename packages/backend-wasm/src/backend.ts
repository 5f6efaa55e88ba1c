import { InputError, type Backend } from '@sam/core/graph'
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
export async function wasm({
  wasmPaths,
  threads = defaultThreads(),
  decompose,
  precision
}: WasmOptions): Promise<Backend> {
  checkOptions({ threads, decompose, precision })
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
