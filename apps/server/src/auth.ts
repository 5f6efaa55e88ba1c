import { createHash, timingSafeEqual } from 'node:crypto'
import { refuse } from '@sam/core/graph'
import type { MiddlewareHandler } from 'hono'
import { HttpError } from './http-error.js'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Lets requests with one of the tokens through: `Authorization: Bearer TOKEN`, or `Basic` with the token as the
 * password, as annotation tools send it. The time does not depend on the token. Without tokens, requests must be
 * addressed to this machine by its own name, so that no web page can reach it under another. Throws `E_BAD_OPTION` for
 * a token that is short or has spaces.
 */
export function authorized(tokens: readonly string[]): MiddlewareHandler {
  if (tokens.some(token => !/^[!-~]{16,}$/.test(token)))
    refuse(
      'E_BAD_OPTION',
      'tokens: must have at least 16 characters each, without spaces; openssl rand -hex 32 makes one'
    )
  const digests = tokens.map(digest)
  return async (c, next) => {
    if (!digests.length) {
      if (!isLoopback(new URL(c.req.url).hostname))
        throw new HttpError(403, 'E_FORBIDDEN', 'a server without tokens answers requests to localhost only')
      return next()
    }
    const given = digest(givenToken(c.req.header('authorization') ?? ''))
    let known = false
    for (const one of digests) known = timingSafeEqual(one, given) || known
    if (!known)
      throw new HttpError(401, 'E_UNAUTHORIZED', 'a token is needed: Authorization: Bearer TOKEN').with({
        'www-authenticate': 'Bearer realm="sam", Basic realm="sam"'
      })
    return next()
  }
}

function givenToken(header: string): string {
  const [, scheme, value] = /^(bearer|basic) +([^ ]+) *$/i.exec(header) ?? []
  if (scheme?.toLowerCase() !== 'basic') return value ?? ''
  const pair = Buffer.from(value, 'base64').toString()
  return pair.slice(pair.indexOf(':') + 1)
}

/** Whether a host name or address is always this machine. */
export const isLoopback = (host: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)
