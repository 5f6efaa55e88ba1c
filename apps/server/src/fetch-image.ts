import { lookup as resolve, type LookupAddress } from 'node:dns'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { refuse, shownAddress } from '@sam/core/graph'
import ipaddr from 'ipaddr.js'
import { HttpError } from './http-error.js'

/** From where images may be fetched. Origins are `https://example.com`, `http://localhost:8080`. */
export interface FetchRules {
  /** Origins on the public internet; `*` allows all of them. Default: none. */
  readonly origins?: readonly string[]
  /** Origins that may be on a private network or this machine. */
  readonly internalOrigins?: readonly string[]
  /** Headers for single origins, credentials for example. They are not sent to where a redirect leads. */
  readonly headers?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

interface FetchOptions {
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Resolves names; for tests. */
  readonly resolve?: typeof resolve
}

const maxRedirects = 3

/** Throws `E_BAD_OPTION` for what is no origin. */
export function checkFetchRules({ origins = [], internalOrigins = [] }: FetchRules): void {
  for (const origin of [...origins.filter(one => one !== '*'), ...internalOrigins])
    if (!URL.canParse(origin) || new URL(origin).origin !== origin || !/^https?:/.test(origin))
      refuse('E_BAD_OPTION', `image URLs: an origin must be like https://example.com, found ${origin}`)
}

/**
 * Fetches an image file from an allowed origin. A name is resolved once, all its addresses must be public (except for
 * internal origins), and the connection goes to the address that was checked. Redirects follow the same rules. Throws
 * 403 for what is not allowed, 422 where the file cannot be had.
 */
export async function fetchImage(address: string, rules: FetchRules, options: FetchOptions): Promise<Uint8Array> {
  let url = parse(address)
  for (let redirects = 0; ; redirects++) {
    const response = await get(url, rules, options)
    const { statusCode = 0, headers } = response
    if (statusCode === 200) return body(response, options)
    response.destroy()
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
      throw failed(`${shownAddress(url)} answered with status ${statusCode}`)
    if (redirects === maxRedirects) throw failed(`${shownAddress(address)} redirects more than ${maxRedirects} times`)
    url = parse(headers.location, url)
  }
}

const failed = (message: string): HttpError => new HttpError(422, 'E_BAD_IMAGE', `image URL: ${message}`)
const forbidden = (message: string): HttpError => new HttpError(403, 'E_FORBIDDEN', `image URL: ${message}`)

function parse(address: string, base?: URL): URL {
  const url = URL.canParse(address, base) ? new URL(address, base) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) throw forbidden('must be an http or https address')
  return url
}

function get(
  url: URL,
  rules: FetchRules,
  { signal, resolve: resolver = resolve }: FetchOptions
): Promise<IncomingMessage> {
  const internal = rules.internalOrigins?.includes(url.origin) ?? false
  if (!internal && !rules.origins?.some(origin => origin === '*' || origin === url.origin))
    throw forbidden(`${url.origin} is not among the allowed origins; the server's operator can add it`)
  const check = (addresses: readonly LookupAddress[]): Error | undefined =>
    internal || addresses.every(({ address }) => isPublic(address))
      ? undefined
      : forbidden(`${url.hostname} is an internal address`)
  // The socket connects to what this returns: the name is not resolved again.
  const lookup: LookupFunction = (host, given, done) =>
    resolver(host, { ...given, all: true }, (error, addresses) => {
      const refused = error ?? check(addresses)
      if (refused) done(refused, '')
      else if (given.all) done(null, addresses)
      else done(null, addresses[0].address, addresses[0].family)
    })
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (ipaddr.isValid(host) && check([{ address: host, family: 0 }])) throw check([{ address: host, family: 0 }])!
  return new Promise((done, fail) => {
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest
    const headers = {
      accept: '*/*',
      ...(Object.hasOwn(rules.headers ?? {}, url.origin) && rules.headers![url.origin])
    }
    const sent = request(url, { lookup, signal, agent: false, headers, timeout: 15_000 }, done)
    sent.on('timeout', () => sent.destroy(new Error('no data for 15 s')))
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) fail(signal.reason as Error)
      else if (error instanceof HttpError) fail(error)
      else fail(failed(`${shownAddress(url)} cannot be fetched (${error.code ?? error.message})`))
    })
    sent.end()
  })
}

async function body(response: IncomingMessage, { maxBytes, signal }: FetchOptions): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes)
        throw new HttpError(413, 'E_TOO_LARGE', `image URL: the file must have at most ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof HttpError ? error : failed(`the connection broke (${(error as Error).message})`)
  }
  return Buffer.concat(chunks)
}

/** Whether an address is on the public internet. An IPv4 address inside an IPv6 one counts as itself. */
function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}
