import { printable } from '../errors.js'

/**
 * What a message says of a request that got no answer: the reason that `fetch` of Node gives (a browser gives none),
 * and what to check.
 */
export function requestFailed(error: unknown): string {
  const reason = networkReason(error)
  return `the request failed${reason && ` (${printable(reason, 200)})`}; ${isPage ? inPage : 'check the address and the network'}`
}

/** `connect ECONNREFUSED 127.0.0.1:80`, or `` where nothing is known. `fetch` has it as the cause of its error. */
function networkReason(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown }
  if (!(cause instanceof Error)) return ''
  // A host with several addresses: an AggregateError without a message.
  return cause.message || ((cause as { readonly code?: string }).code ?? '')
}

declare const WorkerGlobalScope: unknown

const isPage = typeof document !== 'undefined' || typeof WorkerGlobalScope !== 'undefined'

const inPage =
  'check the address, the network, and whether this page may read from this server (its Content-Security-Policy, and CORS)'
