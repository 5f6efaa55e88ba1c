// The runtime without tfjs' 160 kernels, which the package's main entry registers on import.
export { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu/dist/base.js'

/** The browser's WebGPU entry point, or the reason why there is none. */
export async function findGpu(): Promise<GPU | string> {
  return (
    navigator.gpu ??
    (isSecureContext ? 'this browser has no navigator.gpu' : 'navigator.gpu requires a secure page: https or localhost')
  )
}
