import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { SamError, type Backend } from '@sam/core'
import { Option } from 'commander'

/** Backends that run a model. Each is imported on first use. */
const backends = {
  cpu: async (): Promise<Backend> => (await import('@sam/backend-cpu')).cpu(),
  cuda: async (): Promise<Backend> => (await import('@sam/backend-cuda')).cuda(),
  webgpu: async (): Promise<Backend> => (await import('@sam/backend-webgpu')).webgpu(),
  wasm: async (): Promise<Backend> =>
    (await import('@sam/backend-wasm')).wasm({ wasmPaths: { wasm: runtimeFile('wasm'), mjs: runtimeFile('mjs') } })
}

/** Value of `--backend`; undefined without it. */
export type BackendName = keyof typeof backends

/** The URL of a file of onnxruntime-web, which is installed with `sam`. */
const runtimeFile = (extension: 'wasm' | 'mjs'): URL =>
  pathToFileURL(createRequire(import.meta.url).resolve(`onnxruntime-web/ort-wasm-simd-threaded.${extension}`))

/** `--backend`. */
export const backendOption = (): Option =>
  new Option(
    '--backend <name>',
    'where to run (default: cpu, or wasm where onnxruntime-node is not installed)'
  ).choices(Object.keys(backends))

/**
 * Opens the backend of `--backend`. Without it: `cpu`, or `wasm` where onnxruntime-node cannot be loaded; `tell` is
 * then called with the reason. Throws `BackendError` `E_BACKEND_UNAVAILABLE`.
 */
export async function openBackend(name: BackendName | undefined, tell: (warning: string) => void): Promise<Backend> {
  if (name !== undefined) return backends[name]()
  try {
    return await backends.cpu()
  } catch (error) {
    if (!SamError.is(error) || error.code !== 'E_BACKEND_UNAVAILABLE') throw error
    tell(`running on wasm, which is slower than cpu and uses one core: ${error.message}`)
    return backends.wasm()
  }
}
