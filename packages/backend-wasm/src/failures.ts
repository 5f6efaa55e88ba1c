import { BackendError, SamError } from '@sam/core/graph'

/**
 * onnxruntime throws plain text, or a number that was a pointer; this says it in the SDK's terms. Errors of ours stay
 * as they are.
 */
export function runtimeFailed(error: unknown): SamError {
  if (SamError.is(error)) return error
  const said = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 600)
  if (
    error instanceof RangeError ||
    typeof error === 'number' ||
    /bad_alloc|failed to allocate|out of memory|alloc_failed|memory access out of bounds|allocation failed/i.test(said)
  ) {
    return new BackendError(
      'E_OUT_OF_MEMORY',
      `wasm: no memory left, of the 4 GB at most that WebAssembly has: decode fewer prompts at once, take a smaller model, or use WebGPU. ` +
        `onnxruntime: ${said}`,
      { cause: error }
    )
  }
  return new BackendError(
    'E_BACKEND_FAILED',
    `wasm: onnxruntime refused or failed; if the graph is not at fault, try { open: 'all' } and report the difference. onnxruntime: ${said}`,
    { cause: error }
  )
}
