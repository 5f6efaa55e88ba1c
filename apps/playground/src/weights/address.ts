import { refuse, refusing, type Refuse } from '@sam/core/graph'
import type { Incoming } from './weights-cache.js'

/** Parses a URL. Throws `WeightsError` `E_WEIGHTS_IO` if it is not an `https:` or `http:` URL. */
export function addressOf(text: string): URL {
  try {
    const url = new URL(text)
    if (/^https?:$/.test(url.protocol)) return url
  } catch {
    /* reported below */
  }
  return refuse('E_WEIGHTS_IO', `a URL must begin with https:// or http://, found '${text}'`)
}

/** The required SHA-256 in lower case, from a URL that ends in `#sha256=…`. */
export const checksumIn = (url: URL): string | undefined =>
  /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1].toLowerCase()

/** The version of the file at a URL: its `ETag`, else its `Last-Modified`. */
const versionOf = ({ headers }: Response): string | undefined =>
  headers.get('etag')?.replace(/^W\//, '') ?? headers.get('last-modified') ?? undefined

/** Starts a download. Throws `WeightsError` `E_WEIGHTS_IO`, and the signal's reason after an abort. */
export async function download(url: URL, signal: AbortSignal): Promise<Incoming> {
  const fail: Refuse = refusing('E_WEIGHTS_IO', `${url.href}: `)
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    return fail(
      url.origin === location.origin
        ? 'the request failed; check the network'
        : 'the request failed; check the URL and the network. This page must be allowed to read from this server, by ' +
            'the page’s Content-Security-Policy (connect-src) and by the server (CORS); if it is not, download the ' +
            'file and open it from this device',
      cause
    )
  })
  if (!response.ok || !response.body)
    return fail(`the server responded ${response.status} ${response.statusText}`.trimEnd())
  if (/^text\/html/i.test(response.headers.get('content-type') ?? ''))
    return fail('is a web page, not a checkpoint; use the direct download link of the file')
  const size = Number(response.headers.get('content-length') ?? NaN)
  const plain = (response.headers.get('content-encoding') ?? 'identity') === 'identity'
  return {
    key: url.href,
    label: decodeURIComponent(url.pathname.split('/').pop()!) || url.host,
    stream: response.body,
    size: plain && Number.isSafeInteger(size) ? size : undefined,
    sha256: checksumIn(url),
    version: versionOf(response)
  }
}

/**
 * Compares the version of a stored model with the file at its URL by a HEAD request; conditional headers would need
 * CORS permission. `unknown` offline, and if the server sends no version. A URL with a checksum needs no request.
 * Throws the signal's reason after an abort.
 */
export async function compareWithAddress(
  url: URL,
  version: string | undefined,
  signal: AbortSignal
): Promise<'same' | 'changed' | 'unknown'> {
  if (checksumIn(url) !== undefined) return 'same'
  const response = await fetch(url, { method: 'HEAD', cache: 'no-cache', signal }).catch(() => undefined)
  signal.throwIfAborted()
  const found = response?.ok ? versionOf(response) : undefined
  if (found === undefined) return 'unknown'
  return found === version ? 'same' : 'changed'
}
