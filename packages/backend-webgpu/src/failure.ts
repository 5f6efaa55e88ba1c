import { BackendError, SamError } from '@sam/core/graph'

/** What WebGPU reports, in our words. An error of ours, and an abort, stay as they are. */
export function failure(error: unknown, doing: string): unknown {
  if (SamError.is(error) || (error instanceof DOMException && error.name === 'AbortError')) return error
  const kind = (error as { constructor?: { name?: string } } | null)?.constructor?.name ?? ''
  const message =
    error instanceof Error || typeof (error as { message?: unknown } | null)?.message === 'string'
      ? (error as { message: string }).message
      : String(error)
  if (kind === 'GPUOutOfMemoryError' || error instanceof RangeError) {
    return new BackendError(
      'E_OUT_OF_MEMORY',
      `webgpu: no GPU memory left while ${doing}: use fewer prompts at once, halfWeights, or a smaller model (${message})`,
      { cause: error }
    )
  }
  return new BackendError('E_BACKEND_FAILED', `webgpu: the device refused while ${doing}: ${message}`, { cause: error })
}

/** A graph that cannot run on this device, said before anything is dispatched. */
export function refuse(message: string): never {
  throw new BackendError('E_BACKEND_FAILED', message)
}
