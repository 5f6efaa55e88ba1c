// The runtime without tfjs' 160 kernels: the package's main entry registers them all by its import.
export { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu/dist/base.js'

/** The entry to WebGPU, or a sentence that says why there is none. */
export async function findGpu(): Promise<GPU | string> {
  return (
    navigator.gpu ??
    (isSecureContext ? 'this browser has no navigator.gpu' : 'navigator.gpu needs a secure page: https or localhost')
  )
}
