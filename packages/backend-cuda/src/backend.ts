import { f32, graph, input, memoryWeights, ops, SamError, shown, type Backend } from '@sam/core/graph'
import { checkNodeOptions, mustHold, nodeBackend, type NodeOptions } from '@sam/onnxruntime/node'
import { providerMissing, type Provider } from './failures.js'

export interface CudaOptions extends NodeOptions {
  /** Number of the GPU. Default: 0. */
  readonly device?: number | undefined
}

/**
 * An NVIDIA GPU. Throws `BackendError` `E_BACKEND_UNAVAILABLE`, with the commands that install it, where CUDA is
 * missing; never runs on the CPU instead. Throws `InputError` `E_BAD_OPTION`.
 *
 * @example
 * const backend = await cuda({ device: 1 })
 */
export const cuda = (options: CudaOptions = {}): Promise<Backend> => gpu('cuda', options)

/** An NVIDIA GPU by TensorRT, which builds an engine for each graph. Throws what `cuda` throws. */
export const tensorrt = (options: CudaOptions = {}): Promise<Backend> => gpu('tensorrt', options)

async function gpu(provider: Provider, { device, ...options }: CudaOptions): Promise<Backend> {
  checkNodeOptions(options)
  mustHold(
    device === undefined || (Number.isInteger(device) && device >= 0),
    `device must be a whole number of at least 0, found ${shown(device)}`
  )
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

/** Runs the smallest graph there is, so that a missing device is an error now and not at the first photo. */
async function probe(backend: Backend): Promise<void> {
  const g = graph('probe', { y: ops.add(input('x', [1]), 1) })
  const executable = await backend.compile(g, memoryWeights({}))
  const { y } = await executable.run({ x: f32([1], [1]) })
  y.dispose()
  executable.dispose()
}
