/**
 * An address as a message may show it: without user, password, query and fragment, any of which may hold a secret (a
 * signed URL has its token in the query).
 */
export function shownAddress(address: string | URL): string {
  const url = parsed(address)
  if (!url) return 'the address'
  return url.protocol === 'data:' ? 'data:…' : `${url.protocol}//${url.host}${url.pathname}`
}

function parsed(address: string | URL): URL | null {
  try {
    return new URL(address)
  } catch {
    return null
  }
}

/**
 * What to fetch for an address, and the headers that say its user and password: `fetch` itself refuses an address with
 * them. Undefined where it is no address.
 */
export function withoutCredentials(
  address: string | URL
): { readonly url: URL; readonly headers: Readonly<Record<string, string>> } | undefined {
  const url = parsed(address)
  if (!url) return undefined
  const { username, password } = url
  url.username = ''
  url.password = ''
  if (!username && !password) return { url, headers: {} }
  const pair = new TextEncoder().encode(`${decoded(username)}:${decoded(password)}`)
  return { url, headers: { authorization: `Basic ${btoa(String.fromCharCode(...pair))}` } }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
