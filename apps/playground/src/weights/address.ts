import { WeightsError } from '@sam/core'
import type { Incoming, KeptModel } from './weights-cache.js'

/** Throws `WeightsError` `E_WEIGHTS_IO` for what is not an `https:` or `http:` address. */
export function addressOf(text: string): URL {
  try {
    const url = new URL(text)
    if (/^https?:$/.test(url.protocol)) return url
  } catch {
    /* said below */
  }
  throw new WeightsError('E_WEIGHTS_IO', `an address must begin with https:// or http://, found '${text}'`)
}

/** An address may end in `#sha256=…`: then the file must have this sum. */
const sumIn = (url: URL): string | undefined => /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]

/** What tells one file at an address from the next: its `ETag`, or else its `Last-Modified`. */
const versionOf = ({ headers }: Response): string | undefined =>
  headers.get('etag')?.replace(/^W\//, '') ?? headers.get('last-modified') ?? undefined

/** Throws `WeightsError` `E_WEIGHTS_IO`, and the signal's reason after an abort. */
export async function download(key: string, signal: AbortSignal): Promise<Incoming> {
  const url = new URL(key)
  const fail = (text: string, cause?: unknown): never => {
    throw new WeightsError('E_WEIGHTS_IO', `${url.href}: ${text}`, { cause })
  }
  const answer = await fetch(url, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    return fail(
      'the request failed; check the address and the network, and whether the server lets this page read it (CORS)',
      cause
    )
  })
  if (!answer.ok || !answer.body) return fail(`the server answered ${answer.status} ${answer.statusText}`.trimEnd())
  if (/^text\/html/i.test(answer.headers.get('content-type') ?? ''))
    return fail('is a web page, not a checkpoint; use the download link of the file itself')
  const size = Number(answer.headers.get('content-length') ?? NaN)
  const plain = (answer.headers.get('content-encoding') ?? 'identity') === 'identity'
  return {
    key,
    label: decodeURIComponent(url.pathname.split('/').pop()!) || url.host,
    stream: answer.body,
    size: plain && Number.isSafeInteger(size) ? size : undefined,
    sha256: sumIn(url),
    version: versionOf(answer)
  }
}

/**
 * Whether the file at the address of a kept model is still the kept one, from a HEAD request; conditional headers would
 * need the server's leave (CORS). `unknown` offline, and where the server does not tell. An address that names the
 * file's sum needs no request. Throws the signal's reason after an abort.
 */
export async function compareWithAddress(
  { key, version }: Pick<KeptModel, 'key' | 'version'>,
  signal: AbortSignal
): Promise<'same' | 'changed' | 'unknown'> {
  const url = new URL(key)
  if (sumIn(url) !== undefined) return 'same'
  const answer = await fetch(url, { method: 'HEAD', cache: 'no-cache', signal }).catch(() => undefined)
  signal.throwIfAborted()
  const found = answer?.ok ? versionOf(answer) : undefined
  if (found === undefined) return 'unknown'
  return found === version ? 'same' : 'changed'
}
