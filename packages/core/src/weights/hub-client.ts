import { redirectLimit } from './limits.js'
import { brief, refusing, SamError, type Refuse } from '../errors.js'
import { shownAddress } from '../io/address.js'
import { requestFailed } from '../io/request-failed.js'
import { stopwatch } from '../io/stopwatch.js'

export interface ClientOptions {
  /** Only this host receives the token. */
  readonly host: URL
  readonly token: string | undefined
  /** Milliseconds without a byte after which a request fails. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

/** An answer, and its bytes as they arrive. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: AsyncIterable<Uint8Array<ArrayBuffer>>
  /** Throws an error that is worth another try. */
  readonly failed: (text: string) => never
}

/** Requests to a hub. */
export interface Client {
  /**
   * Sends a request and has `use` read the answer, which is 200, 206 or 416. Follows redirects. Throws `WeightsError`
   * `E_WEIGHTS_IO`; {@link isTemporary} says whether to try again. An abort rejects with the signal's reason.
   */
  get<T>(url: URL, headers: Readonly<Record<string, string>>, use: (answer: Answer) => Promise<T>): Promise<T>
}

const temporary = Symbol('temporary')

/** Whether a request failed for a reason that may pass: the network, a time-out, a server that is overloaded. */
export const isTemporary = (error: unknown): boolean =>
  SamError.is(error) && (error.cause as { readonly kind?: symbol } | undefined)?.kind === temporary

export function hubClient({ host, token, timeout, signal }: ClientOptions): Client {
  const headersFor = (url: URL, headers: Readonly<Record<string, string>>): Record<string, string> => ({
    ...headers,
    ...(token !== undefined && url.origin === host.origin ? { authorization: `Bearer ${token}` } : {})
  })

  /** Follows redirects itself: the token goes to no other host, and none of them may be without TLS. */
  const follow = async (
    url: URL,
    headers: Readonly<Record<string, string>>,
    { stop, fail }: { readonly stop: AbortSignal; readonly fail: Refuse }
  ): Promise<Response> => {
    const send = (to: URL, redirect: RequestRedirect): Promise<Response> =>
      fetch(to, { headers: headersFor(to, headers), redirect, signal: stop, cache: 'no-store' })
    for (let [at, redirects] = [url, 0]; ; redirects++) {
      const answer = await send(at, 'manual')
      if (answer.type === 'opaqueredirect') {
        // A browser does not show where a redirect leads. It follows at most 20, and takes the token from a request
        // that leaves the host (Fetch standard, HTTP-redirect fetch, step 13).
        const last = await send(at, 'follow')
        checkSecure(new URL(last.url), host, fail)
        return last
      }
      if (![301, 302, 303, 307, 308].includes(answer.status)) return answer
      await answer.body?.cancel()
      const location = answer.headers.get('location') ?? ''
      if (redirects === redirectLimit) fail(`must have at most ${redirectLimit} redirects, found more`)
      if (!URL.canParse(location, at)) fail(`must redirect to a URL, found '${brief(location)}'`)
      at = new URL(location, at)
      checkSecure(at, host, fail)
    }
  }

  return {
    async get(url, headers, use) {
      const fail = refusing('E_WEIGHTS_IO', `${shownAddress(url)}: `)
      const watch = stopwatch(timeout, signal)
      const failed = (text: string, cause?: unknown): never =>
        fail(watch.late() ? `the server sent nothing for ${timeout / 1000} s` : text, { kind: temporary, cause })
      const broken = (text: string, cause: unknown): never => {
        signal?.throwIfAborted()
        if (SamError.is(cause)) throw cause
        return failed(text, cause)
      }
      const bytes = async function* (body: Response['body']): AsyncGenerator<Uint8Array<ArrayBuffer>> {
        const reader = body?.getReader()
        try {
          for (;;) {
            const next = await reader?.read().catch((cause: unknown) => broken('the connection broke', cause))
            if (!next || next.done) return
            watch.again()
            yield next.value
          }
        } finally {
          reader?.cancel().catch(() => {})
        }
      }
      try {
        const answer = await follow(url, headers, { stop: watch.signal, fail }).catch((cause: unknown) =>
          broken(requestFailed(cause), cause)
        )
        watch.again()
        checkAnswer(answer, { fail, failed, hasToken: token !== undefined })
        const { status, headers: received, body } = answer
        try {
          return await use({ status, headers: received, body: bytes(body), failed })
        } finally {
          if (!body?.locked) await body?.cancel() // nothing was read
        }
      } finally {
        watch.end()
      }
    }
  }
}

const isLoopback = ({ hostname }: URL): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)

/** Throws unless the address is `https:`, or on this computer where the host is too. */
export function checkSecure(url: URL, host: URL, fail: Refuse): void {
  if (url.protocol === 'https:') return
  if (url.protocol === 'http:' && isLoopback(url) && isLoopback(host)) return
  fail(`must lead to https, found ${url.protocol}//${url.host}`)
}

function checkAnswer(
  { ok, status, statusText, headers, body }: Response,
  {
    fail,
    failed,
    hasToken
  }: { readonly fail: Refuse; readonly failed: (text: string) => never; readonly hasToken: boolean }
): void {
  const isPage = /^text\/html/i.test(headers.get('content-type') ?? '')
  if ((ok && !isPage) || status === 416) return
  body?.cancel().catch(() => {})
  const found = `the server answered ${status} ${statusText}`.trimEnd()
  if (status === 401 || status === 403)
    fail(
      hasToken
        ? `${found}; the repository does not exist, or this token may not read it`
        : `${found}; the repository does not exist, or needs a token: download: { token }, HF_TOKEN on the command line`
    )
  if (status === 404) fail(`${found}; check the names of repository and revision`)
  if (status === 408 || status === 429 || status >= 500) failed(found)
  fail(isPage ? 'must be a file, found a web page' : found)
}
