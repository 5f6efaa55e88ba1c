import { BackendError, SamError } from '@sam/core/graph'

const outOfMemory =
  /bad_alloc|failed to allocate|out of memory|alloc_failed|not enough (?:memory|space)|memory access out of bounds|allocation failed/i
const deviceLost =
  /cuda (?:failure|error)[^\n]*(?:700|719|999|illegal|unspecified|launch failure)|device (?:is |was )?lost|dxgi_error_device/i

/**
 * What onnxruntime threw as an error with a code; the runtime's own text is the end of the message. Errors of ours stay
 * as they are. The runtime throws plain text and, in WebAssembly, a number that was a pointer when no memory is left.
 * `memory` says what a user can do about that.
 */
export function runtimeFailed(
  error: unknown,
  memory = 'no memory left for this run: decode fewer prompts at once, dispose results you no longer need, or take a smaller model'
): SamError {
  if (SamError.is(error)) return error
  const text = error instanceof Error ? error.message : String(error)
  const failed = (code: BackendError['code'], what: string): BackendError =>
    new BackendError(code, `${what}. onnxruntime: ${text.replace(/\s+/g, ' ').slice(0, 600)}`, { cause: error })
  if (error instanceof RangeError || typeof error === 'number' || outOfMemory.test(text))
    return failed('E_OUT_OF_MEMORY', memory)
  if (deviceLost.test(text))
    return failed('E_DEVICE_LOST', 'the device stopped answering; make a new backend and load again')
  return failed(
    'E_BACKEND_FAILED',
    "onnxruntime refused or failed; if the graph is not at fault, try { decompose: 'all' } and report the difference"
  )
}
