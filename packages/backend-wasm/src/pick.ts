import { BackendError, readOptions, refuse, SamError, shown, type Backend } from '@sam/core/graph'
import { wasm, type WasmOptions } from './backend.js'

/** The selected backend, and the reason. */
export interface Choice {
  readonly name: 'webgpu' | 'wasm'
  /** The reason, to display. */
  readonly because: string
}

/** Options of `wasm`. Of these, WebGPU takes `precision: 'f16'`. */
export interface PickOptions extends WasmOptions {
  /**
   * Imports the WebGPU backend, called only if there is an adapter: `() => import('@sam/backend-webgpu')`. Passed in,
   * so that this package does not depend on the other, and bundlers put it in a separate chunk.
   */
  readonly webgpu: () => Promise<{ webgpu(options?: { precision?: 'f16' }): Promise<Backend> }>
  /** `wasm`: no check for a GPU; `webgpu`: no fallback. Default: WebGPU, then wasm. */
  readonly prefer?: 'webgpu' | 'wasm' | undefined
  readonly onChoice?: ((choice: Choice) => void) | undefined
}

/**
 * Selects WebGPU if an adapter provides a device, else WebAssembly.
 * Throws what `wasm` throws, and for `prefer: 'webgpu'` `BackendError` `E_BACKEND_UNAVAILABLE`.
 *
 * @example
 * const backend = await pickBackend({ webgpu: () => import('@sam/backend-webgpu'), wasmPaths: '/onnxruntime/',
 * onChoice: console.log })
 */
export async function pickBackend(given: PickOptions): Promise<Backend> {
  const { webgpu, prefer, onChoice, ...options } = readOptions('pickBackend', given, {
    wasmPaths: true,
    threads: true,
    decompose: true,
    precision: true,
    webgpu: true,
    prefer: true,
    onChoice: true
  })
  if (typeof webgpu !== 'function')
    refuse('E_BAD_OPTION', `webgpu: must be () => import('@sam/backend-webgpu'), found ${shown(webgpu)}`)
  if (prefer !== undefined && prefer !== 'wasm' && prefer !== 'webgpu')
    refuse('E_BAD_OPTION', `prefer: must be 'webgpu' or 'wasm', found ${shown(prefer)}`)
  const take = (backend: Backend, choice: Choice): Backend => {
    onChoice?.(choice)
    return backend
  }
  if (prefer === 'wasm') return take(await wasm(options), { name: 'wasm', because: 'it was requested' })
  const missing = await whyNoAdapter()
  let reason = missing
  let cause: unknown
  if (missing === undefined) {
    try {
      const gpu = await webgpu()
      const backend = await gpu.webgpu(options.precision === 'f16' ? { precision: 'f16' } : {})
      return take(backend, { name: 'webgpu', because: prefer ? 'it was requested' : 'there is a GPU adapter' })
    } catch (error) {
      if (!SamError.is(error) || error.code !== 'E_BACKEND_UNAVAILABLE') throw error
      reason = error.message
      cause = error
    }
  }
  if (prefer === 'webgpu')
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      `WebGPU was requested, but ${reason}; omit prefer to fall back to wasm`,
      { cause }
    )
  return take(await wasm(options), { name: 'wasm', because: reason! })
}

/** Checks with the browser, before loading any code. Undefined if there is an adapter. */
async function whyNoAdapter(): Promise<string | undefined> {
  const { navigator, isSecureContext } = globalThis as {
    navigator?: { gpu?: { requestAdapter(): Promise<unknown> } }
    isSecureContext?: boolean
  }
  if (!navigator?.gpu)
    return isSecureContext === false
      ? 'WebGPU needs a secure page (https or localhost)'
      : 'this browser does not support WebGPU'
  try {
    return (await navigator.gpu.requestAdapter()) ? undefined : 'the browser found no GPU adapter'
  } catch (error) {
    return `the browser rejected the request for a GPU adapter (${(error as Error).message})`
  }
}
