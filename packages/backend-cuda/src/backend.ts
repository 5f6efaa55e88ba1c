import {
  f32,
  graph,
  input,
  memoryWeights,
  ops,
  readOptions,
  refuse,
  SamError,
  shown,
  type Backend
} from '@sam/core/graph'
import { nodeBackend, type NodeOptions } from '@sam/onnxruntime/node'
import { providerMissing, type Provider } from './failures.js'

export interface CudaOptions extends Omit<NodeOptions, 'precision'> {
  /** Index of the GPU. Default: 0. */
  readonly device?: number | undefined
}

/**
 * Runs on an NVIDIA GPU. Throws `BackendError` `E_BACKEND_UNAVAILABLE`, with installation commands, if CUDA is missing;
 * never falls back to the CPU. Throws `InputError` `E_BAD_OPTION`.
 *
 * @example
 * const backend = await cuda({ device: 1 })
 */
export const cuda = (options: CudaOptions = {}): Promise<Backend> => gpu('cuda', options)

/** Runs on an NVIDIA GPU with TensorRT, which builds an engine for each graph. Throws what `cuda` throws. */
export const tensorrt = (options: CudaOptions = {}): Promise<Backend> => gpu('tensorrt', options)

async function gpu(provider: Provider, given: CudaOptions): Promise<Backend> {
  const names = { threads: true, decompose: true, memory: true, telemetry: true, device: true } as const
  const { device, ...options } = readOptions(provider, given, names)
  if (device !== undefined && !(Number.isInteger(device) && device >= 0))
    refuse('E_BAD_OPTION', `device must be a whole number of at least 0, found ${shown(device)}`)
  const executionProvider = device === undefined ? provider : { name: provider, deviceId: device }
  const backend = await nodeBackend(provider, { executionProviders: [executionProvider] }, options)
  try {
    await probe(backend)
  } catch (error) {
    backend.dispose()
    throw SamError.is(error) && error.code === 'E_BACKEND_FAILED' ? providerMissing(provider, error) : error
  }
  return backend
}

/** Runs a minimal graph, so that a missing device is an error now and not at the first photo. */
async function probe(backend: Backend): Promise<void> {
  const g = graph('probe', { y: ops.add(input('x', [1]), 1) })
  const executable = await backend.compile(g, memoryWeights({}))
  const { y } = await executable.run({ x: f32([1], [1]) })
  y.dispose()
  executable.dispose()
}
