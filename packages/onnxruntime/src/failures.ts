import { BackendError, SamError } from '@sam/core/graph'

const outOfMemory =
  /bad_alloc|failed to allocate|out of memory|alloc_failed|not enough (?:memory|space)|memory access out of bounds|allocation failed/i
const deviceLost =
  /cuda (?:failure|error)[^\n]*(?:700|719|999|illegal|unspecified|launch failure)|device (?:is |was )?lost|dxgi_error_device/i

/**
 * Converts an error of onnxruntime to one with a code; the runtime's text is appended to the message. Our own errors
 * are returned unchanged. The runtime throws plain text and, in WebAssembly without memory, a pointer as a number.
 * `memory` is the message for out of memory.
 */
export function runtimeFailed(
  error: unknown,
  memory = 'no memory left for this run: decode fewer prompts at once, dispose results you no longer need, or use a smaller model'
): SamError {
  if (SamError.is(error)) return error
  const text = error instanceof Error ? error.message : String(error)
  const failed = (code: BackendError['code'], what: string): BackendError =>
    new BackendError(code, `${what}. onnxruntime: ${text.replace(/\s+/g, ' ').slice(0, 600)}`, { cause: error })
  if (error instanceof RangeError || typeof error === 'number' || outOfMemory.test(text))
    return failed('E_OUT_OF_MEMORY', memory)
  if (deviceLost.test(text))
    return failed('E_DEVICE_LOST', 'the device stopped responding; create a new backend and load again')
  return failed(
    'E_BACKEND_FAILED',
    "onnxruntime failed; if the graph is not at fault, try { decompose: 'all' } and report the difference"
  )
}
