/**
 * Stable error codes, for programs. Messages are for people: what must hold, what was found and the next step.
 *
 * | code | thrown when |
 * | --- | --- |
 * | `E_GRAPH` | a graph violates its rules (shapes, types, names) |
 * | `E_WEIGHTS_FORMAT` | a checkpoint file is malformed, truncated or of an unknown kind |
 * | `E_WEIGHTS_UNSAFE` | a pickle references something outside the allow-list |
 * | `E_WEIGHTS_MISMATCH` | names or shapes in the checkpoint do not match the model |
 * | `E_WEIGHTS_IO` | a checkpoint could not be read: not found, access denied, network |
 * | `E_BAD_IMAGE` | an image cannot be decoded, or its size and data disagree |
 * | `E_IMAGE_TOO_LARGE` | an image has more pixels than the stated limit |
 * | `E_BAD_PROMPT` | a prompt is not finite, malformed or empty |
 * | `E_BAD_EMBEDDING` | a saved embedding does not match the image, the model or its preprocessing |
 * | `E_BAD_OPTION` | an option has a value outside its range |
 * | `E_DISPOSED` | a handle was used after `dispose()` |
 * | `E_BACKEND_UNAVAILABLE` | the requested device or its runtime is not available |
 * | `E_BACKEND_FAILED` | the runtime rejected a graph or failed while running it |
 * | `E_OUT_OF_MEMORY` | the device or the process ran out of memory |
 * | `E_DEVICE_LOST` | the device was lost; recover the backend or load again |
 */
export type SamErrorCode =
  | 'E_GRAPH'
  | 'E_WEIGHTS_FORMAT'
  | 'E_WEIGHTS_UNSAFE'
  | 'E_WEIGHTS_MISMATCH'
  | 'E_WEIGHTS_IO'
  | 'E_BAD_IMAGE'
  | 'E_IMAGE_TOO_LARGE'
  | 'E_BAD_PROMPT'
  | 'E_BAD_EMBEDDING'
  | 'E_BAD_OPTION'
  | 'E_DISPOSED'
  | 'E_BACKEND_UNAVAILABLE'
  | 'E_BACKEND_FAILED'
  | 'E_OUT_OF_MEMORY'
  | 'E_DEVICE_LOST'

const brand = Symbol.for('@sam/core/SamError')

/** Base class of the errors that this SDK throws. Aborts are not among them: they reject with the signal's reason. */
export class SamError extends Error {
  override readonly name: string = 'SamError'
  readonly [brand] = true

  constructor(
    readonly code: SamErrorCode,
    message: string,
    options?: { cause?: unknown }
  ) {
    super(printable(message), options)
  }

  /** True for a `SamError` of any copy of this package, also when a bundle contains two. */
  static is(error: unknown): error is SamError {
    return typeof error === 'object' && error !== null && brand in error
  }
}

/** A graph violates its rules. */
export class GraphError extends SamError {
  override readonly name = 'GraphError'
  constructor(message: string, options?: { cause?: unknown }) {
    super('E_GRAPH', message, options)
  }
}

/** A checkpoint cannot be read, is unsafe, or does not match the model. */
export class WeightsError extends SamError {
  override readonly name = 'WeightsError'
}

/** An image, prompt, option or handle from the caller is invalid. */
export class InputError extends SamError {
  override readonly name = 'InputError'
}

/** A device or its runtime is not available or failed. */
export class BackendError extends SamError {
  override readonly name = 'BackendError'
}

/**
 * Throws an error with this code, of the class that the code belongs to. The message states what must hold, what was
 * found and the next step.
 */
export function refuse(code: SamErrorCode, message: string, options?: { cause?: unknown }): never {
  throw code === 'E_GRAPH' ? new GraphError(message, options) : new classOf[code](code, message, options)
}

/** Throws an error about one file or object; `text` follows its name. */
export type Refuse = (text: string, cause?: unknown) => never

/** {@link refuse} with a fixed code and message prefix, for errors about one file or object. */
export const refusing =
  (code: SamErrorCode, prefix: string): Refuse =>
  (text, cause) =>
    refuse(code, prefix + text, { cause })

const classOf = {
  E_WEIGHTS_FORMAT: WeightsError,
  E_WEIGHTS_UNSAFE: WeightsError,
  E_WEIGHTS_MISMATCH: WeightsError,
  E_WEIGHTS_IO: WeightsError,
  E_BAD_IMAGE: InputError,
  E_IMAGE_TOO_LARGE: InputError,
  E_BAD_PROMPT: InputError,
  E_BAD_EMBEDDING: InputError,
  E_BAD_OPTION: InputError,
  E_DISPOSED: InputError,
  E_BACKEND_UNAVAILABLE: BackendError,
  E_BACKEND_FAILED: BackendError,
  E_OUT_OF_MEMORY: BackendError,
  E_DEVICE_LOST: BackendError
} as const satisfies Record<Exclude<SamErrorCode, 'E_GRAPH'>, typeof SamError>

/** Whether an error is of one image: others, of the device for example, would recur with the next. */
export const isOfImage = (error: unknown): error is Error =>
  error instanceof Error && (!SamError.is(error) || /^E_(BAD_|IMAGE_)/.test(error.code))

/** The most characters of a message. */
const messageLimit = 8000

/** C0 without tab and newline, DEL, C1, and what reorders or breaks lines of text. */
const unprintable = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * Text of a file or a user as a terminal may show it: control characters are written as escapes (`\x1b`), and what is
 * longer than `limit` is cut.
 */
export function printable(text: string, limit = messageLimit): string {
  const short = text.length > limit ? `${text.slice(0, limit)}…` : text
  return short.replace(unprintable, character => {
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** The most characters that a message shows of one name. */
const nameLength = 120

/** A name from a file on one line: the middle of a long one is left out. */
export function brief(name: string): string {
  const tail = 20
  const short = name.length > nameLength ? `${name.slice(0, nameLength - tail)}…${name.slice(-tail)}` : name
  return printable(short.replaceAll('\n', '\\n').replaceAll('\t', '\\t'))
}

/**
 * A value of unknown kind as a message may show it: short, and safe whatever the value is. Of a promise it says the
 * next step.
 */
export function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (typeof value !== 'object') return typeof value
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`
    const kind = Object.prototype.toString.call(value).slice(8, -1)
    if (kind === 'Promise') return 'a promise; await it'
    return kind === 'Object' ? 'object' : brief(kind)
  } catch {
    return 'object'
  }
}
