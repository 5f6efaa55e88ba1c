import { BackendError, SamError, type Backend } from '@sam/core/graph'
import { wasm, type WasmOptions } from './backend.js'

/** What was taken, and why. */
export interface Choice {
  readonly name: 'webgpu' | 'wasm'
  /** A sentence for people. */
  readonly because: string
}

export interface PickOptions extends WasmOptions {
  /**
   * How to get at WebGPU, imported only where there is an adapter: `() => import('@sam/backend-webgpu')`. Passed in, so
   * that this package does not carry the other, and the app's bundler makes a file of its own of it.
   */
  readonly webgpu: () => Promise<{ webgpu(): Promise<Backend> }>
  /** `wasm` does not look for a GPU; `webgpu` does not fall back. Default: WebGPU, then wasm. */
  readonly prefer?: 'webgpu' | 'wasm' | undefined
  readonly onChoice?: ((choice: Choice) => void) | undefined
}

/**
 * WebGPU where there is an adapter that gives a device, else WebAssembly.
 * Throws what `wasm` throws, and for `prefer: 'webgpu'` `BackendError` `E_BACKEND_UNAVAILABLE`.
 *
 * @example
 * const backend = await pickBackend({ webgpu: () => import('@sam/backend-webgpu'), wasmPaths: '/onnxruntime/',
 * onChoice: console.log })
 */
export async function pickBackend({ webgpu, prefer, onChoice, ...options }: PickOptions): Promise<Backend> {
  const take = (backend: Backend, choice: Choice): Backend => {
    onChoice?.(choice)
    return backend
  }
  if (prefer === 'wasm') return take(await wasm(options), { name: 'wasm', because: 'it was asked for' })
  const missing = await whyNoAdapter()
  let reason = missing
  let cause: unknown
  if (missing === undefined) {
    try {
      const backend = await (await webgpu()).webgpu()
      return take(backend, { name: 'webgpu', because: prefer ? 'it was asked for' : 'there is a GPU adapter' })
    } catch (error) {
      if (!SamError.is(error) || error.code !== 'E_BACKEND_UNAVAILABLE') throw error
      reason = error.message
      cause = error
    }
  }
  if (prefer === 'webgpu')
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      `WebGPU was asked for, and ${reason}; leave prefer out to use wasm instead`,
      { cause }
    )
  return take(await wasm(options), { name: 'wasm', because: reason! })
}

/** Asks the browser alone, before any code is loaded. Undefined when there is an adapter. */
async function whyNoAdapter(): Promise<string | undefined> {
  const { navigator, isSecureContext } = globalThis as {
    navigator?: { gpu?: { requestAdapter(): Promise<unknown> } }
    isSecureContext?: boolean
  }
  if (!navigator?.gpu)
    return isSecureContext === false
      ? 'WebGPU needs a secure page (https or localhost)'
      : 'WebGPU is not in this browser'
  try {
    return (await navigator.gpu.requestAdapter()) ? undefined : 'the browser gave no GPU adapter'
  } catch (error) {
    return `the browser refused a GPU adapter (${(error as Error).message})`
  }
}
