/**
 * WebGPU in Node: from the npm package `webgpu` (Dawn), unless there already is a `navigator.gpu`.
 */
export { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'

/**
 * The WebGPU entry point, or the reason why there is none. Sets `navigator.gpu` once, because tfjs reads it there.
 */
export async function findGpu(): Promise<GPU | string> {
  const present = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu
  if (present) return present
  const dawn = await import('webgpu').catch(() => undefined)
  if (!dawn) return 'Node requires the package webgpu: npm install webgpu'
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  // Node 21 and later has a read-only navigator, to which properties can be added.
  if (typeof navigator === 'object') Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true })
  else Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true })
  return gpu
}
