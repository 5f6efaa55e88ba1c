import type { SamErrorCode } from '@sam/core'
import { delay, refuse } from '@sam/core/graph'

export interface ConnectionOptions {
  /** The server, `http://localhost:8000`. */
  readonly url: string | URL
  readonly token: string | undefined
  /** How often a request is sent again while the server is busy. */
  readonly retries: number
  readonly fetch: (request: Request) => Promise<Response>
}

export interface SendOptions {
  readonly method?: 'GET' | 'POST'
  /** A file, or a value that is sent as JSON. */
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/** Codes of the server that are not those of the SDK. */
const sdkCode: Readonly<Record<string, SamErrorCode>> = {
  E_BAD_REQUEST: 'E_BAD_OPTION',
  E_FORBIDDEN: 'E_BAD_OPTION',
  E_MEDIA_TYPE: 'E_BAD_IMAGE',
  E_NOT_FOUND: 'E_BAD_OPTION',
  E_TOO_LARGE: 'E_IMAGE_TOO_LARGE',
  ...Object.fromEntries(
    (['E_BAD_IMAGE', 'E_IMAGE_TOO_LARGE', 'E_BAD_PROMPT', 'E_BAD_OPTION', 'E_BAD_EMBEDDING'] as const).map(code => [
      code,
      code
    ])
  )
}

/** Thrown for an image that the server no longer has. */
export class UnknownImage extends Error {}

/** Requests to one server. */
export class Connection {
  constructor(readonly options: ConnectionOptions) {}

  /**
   * Sends a request, again where the server is busy. Throws the error of the server as a `SamError`, and
   * `BackendError` `E_BACKEND_UNAVAILABLE` where it cannot be reached, `E_BACKEND_FAILED` where it is busy, fails or
   * refuses the token.
   */
  async send(path: string, { method = 'GET', body, signal }: SendOptions = {}): Promise<Response> {
    const { url, token, retries, fetch } = this.options
    const address = new URL(path, url)
    const file = body instanceof Blob
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': file ? body.type || 'application/octet-stream' : 'application/json' })
    }
    const content = file ? body : body === undefined ? null : JSON.stringify(body)
    for (let left = retries; ; left--) {
      const response = await fetch(
        new Request(address, { method, headers, body: content, ...(signal && { signal }) })
      ).catch((cause: Error) => {
        signal?.throwIfAborted()
        return refuse('E_BACKEND_UNAVAILABLE', `the server at ${address.origin} cannot be reached; is it running?`, {
          cause
        })
      })
      if (response.ok) return response
      const seconds = Number(response.headers.get('retry-after') ?? NaN)
      if (response.status !== 429 || left <= 0 || !(seconds >= 0)) return throwError(response)
      await response.body?.cancel()
      await delay(1000 * seconds, signal)
    }
  }

  async json<T>(path: string, options?: SendOptions): Promise<T> {
    return (await this.send(path, options)).json() as Promise<T>
  }
}

async function throwError(response: Response): Promise<never> {
  const { error } = (await response.json().catch(() => ({}))) as { error?: { code?: string; message?: string } }
  throwCode(error ?? {}, response.status)
}

/** Throws an error of the server. */
export function throwCode({ code = '', message }: { code?: string; message?: string }, status?: number): never {
  if (code === 'E_NOT_FOUND' && message?.startsWith('no such image')) throw new UnknownImage(message)
  const text = message ?? `the server answered with status ${status}; is it a server of @sam/server?`
  return refuse(Object.hasOwn(sdkCode, code) ? sdkCode[code] : 'E_BACKEND_FAILED', text)
}
