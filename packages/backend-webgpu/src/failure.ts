import { BackendError, SamError } from '@sam/core/graph'

/** Converts WebGPU's errors to ours. Our own errors and aborts are returned unchanged. */
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
      `webgpu: no GPU memory left while ${doing}: use fewer prompts at once, precision: 'f16', or a smaller model (${message})`,
      { cause: error }
    )
  }
  return new BackendError('E_BACKEND_FAILED', `webgpu: the device failed while ${doing}: ${message}`, { cause: error })
}
