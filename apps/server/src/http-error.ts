import { SamError, type SamErrorCode } from '@sam/core'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** Codes of the server's own errors; all others are those of `SamError`. */
export type ServerErrorCode =
  | 'E_BAD_REQUEST'
  | 'E_UNAUTHORIZED'
  | 'E_FORBIDDEN'
  | 'E_NOT_FOUND'
  | 'E_TOO_LARGE'
  | 'E_MEDIA_TYPE'
  | 'E_BUSY'
  | 'E_TIME_LIMIT'
  | 'E_STOPPING'
  | 'E_INTERNAL'

/** An error with its HTTP status. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  headers: Readonly<Record<string, string>> = {}

  constructor(
    readonly status: ContentfulStatusCode,
    readonly code: ServerErrorCode | SamErrorCode,
    message: string
  ) {
    super(message)
  }

  /** The same error, whose answer has these headers. */
  with(headers: Readonly<Record<string, string>>): this {
    this.headers = headers
    return this
  }
}

const statusOf: Partial<Record<SamErrorCode, ContentfulStatusCode>> = {
  E_BAD_PROMPT: 400,
  E_BAD_OPTION: 400,
  E_BAD_EMBEDDING: 400,
  E_BAD_IMAGE: 422,
  E_IMAGE_TOO_LARGE: 413,
  E_DISPOSED: 503,
  E_DEVICE_LOST: 503,
  E_OUT_OF_MEMORY: 503,
  E_BACKEND_UNAVAILABLE: 503
}

/** Any error as the client sees it. What is not about its request is named by its code alone: the log has the rest. */
export function httpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  if (SamError.is(error)) {
    const status = statusOf[error.code] ?? 500
    return new HttpError(
      status,
      error.code,
      status < 500 ? error.message : 'the model could not do this; the log of the server has the reason'
    )
  }
  return new HttpError(500, 'E_INTERNAL', 'the server failed; its log has the reason under the id of this request')
}

/** The body of an error. */
export const errorBody = ({ code, message }: HttpError): { error: { code: string; message: string } } => ({
  error: { code, message }
})
