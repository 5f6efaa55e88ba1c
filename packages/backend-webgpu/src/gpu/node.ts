/**
 * Where WebGPU comes from in Node: the npm package `webgpu` (Dawn), unless something has put a `navigator.gpu` there
 * already.
 */
export { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'

/**
 * The entry to WebGPU, or a sentence that says why there is none. tfjs looks for it in `navigator.gpu`, so that is
 * where it is put, once.
 */
export async function findGpu(): Promise<GPU | string> {
  const present = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu
  if (present) return present
  const dawn = await import('webgpu').catch(() => undefined)
  if (!dawn) return 'in Node it comes from the package webgpu: npm install webgpu'
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  // Node 21 and later has a navigator of its own that is read-only as a whole, but takes further properties.
  if (typeof navigator === 'object') Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true })
  else Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true })
  return gpu
}
