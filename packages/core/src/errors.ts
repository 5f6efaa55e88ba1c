/**
 * What went wrong, as a stable code. A message says what must hold, what was found and the next step; a program decides
 * on the code.
 *
 * | code | thrown when |
 * | --- | --- |
 * | `E_GRAPH` | a graph was built or rewritten against its rules (shapes, types, names) |
 * | `E_WEIGHTS_FORMAT` | a checkpoint file is malformed, truncated or of an unknown kind |
 * | `E_WEIGHTS_UNSAFE` | a pickle asks for something outside the allow-list |
 * | `E_WEIGHTS_MISMATCH` | names or shapes in the checkpoint are not those of the model |
 * | `E_WEIGHTS_IO` | a checkpoint could not be read: not found, refused, network |
 * | `E_BAD_IMAGE` | an image cannot be decoded, or its size and data disagree |
 * | `E_IMAGE_TOO_LARGE` | an image has more pixels than the stated limit |
 * | `E_BAD_PROMPT` | a prompt is not finite, has the wrong form, or names nothing |
 * | `E_BAD_EMBEDDING` | a saved embedding does not fit the image, the model or its preprocessing |
 * | `E_BAD_OPTION` | an option has a value outside its range |
 * | `E_DISPOSED` | a handle was used after `dispose()` |
 * | `E_BACKEND_UNAVAILABLE` | the asked device or its runtime is not there |
 * | `E_BACKEND_FAILED` | the runtime refused a graph or failed while running it |
 * | `E_OUT_OF_MEMORY` | the device or the process has no memory left for this run |
 * | `E_DEVICE_LOST` | the device went away; load again or ask the backend to recover |
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

/** Every error this SDK throws on purpose. An abort is not one of them: it rejects with the signal's own reason. */
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

  /** True for a `SamError` of any copy of this package, so it also works where a bundler kept two. */
  static is(error: unknown): error is SamError {
    return typeof error === 'object' && error !== null && brand in error
  }
}

/** A graph was built or rewritten against its rules. */
export class GraphError extends SamError {
  override readonly name = 'GraphError'
  constructor(message: string, options?: { cause?: unknown }) {
    super('E_GRAPH', message, options)
  }
}

/** A checkpoint cannot be read, is not safe to read, or is not of this model. */
export class WeightsError extends SamError {
  override readonly name = 'WeightsError'
}

/** An image, prompt, option or handle given by the caller cannot be used. */
export class InputError extends SamError {
  override readonly name = 'InputError'
}

/** A device or its runtime is missing or failed. */
export class BackendError extends SamError {
  override readonly name = 'BackendError'
}

/**
 * Throws the error of this code, of the class that the code belongs to. The message says what must hold, what was found
 * and the next step.
 */
export function refuse(code: SamErrorCode, message: string, options?: { cause?: unknown }): never {
  throw code === 'E_GRAPH' ? new GraphError(message, options) : new classOf[code](code, message, options)
}

/** Throws about one file or thing; `text` follows its name. */
export type Refuse = (text: string, cause?: unknown) => never

/** {@link refuse} with a code and the beginning of its messages: about one file or one thing. */
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

/** A value of unknown kind as a message may show it: short, and safe whatever the value is. */
export function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  return Array.isArray(value) ? `an array of ${value.length}` : typeof value
}
