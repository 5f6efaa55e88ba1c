/**
 * The service worker: answers from the browser's cache, so that the page works without a network after the first visit.
 * `build/offline.ts` puts in the names of the files and writes it beside the page. It has no imports.
 */

interface WaitingEvent extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface RequestEvent extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
/** What is used of `ServiceWorkerGlobalScope`: TypeScript has its types for files without those of pages only. */
interface Scope {
  readonly registration: { readonly scope: string }
  readonly clients: { claim(): Promise<void> }
  addEventListener(type: 'install' | 'activate', listener: (event: WaitingEvent) => void): void
  addEventListener(type: 'message', listener: (event: WaitingEvent & MessageEvent<readonly string[]>) => void): void
  addEventListener(type: 'fetch', listener: (event: RequestEvent) => void): void
}

/** The files of the build, below the scope. */
declare const FILES: {
  /** A hash of them all. */
  readonly version: string
  /** Stored with the first visit. */
  readonly shell: readonly string[]
  /** Stored when they are used for the first time. Their names have a hash of their content. */
  readonly onUse: readonly string[]
}

const worker = self as unknown as Scope
const { scope } = worker.registration
const owner = `sam-playground ${scope} `
const cacheName = owner + FILES.version
const urlOf = (path: string): string => new URL(path, scope).href
const page = urlOf('index.html')
const known = new Set([...FILES.shell, ...FILES.onUse].map(urlOf))

/** Whether a file has a hash of its content in its name: then it never changes. */
const isHashed = (url: string): boolean => url.startsWith(urlOf('assets/'))

/** The response for a file: stored, also by an earlier version of the page, or downloaded and stored. */
async function stored(url: string): Promise<Response> {
  const cache = await caches.open(cacheName)
  const found = (await cache.match(url)) ?? (isHashed(url) ? await caches.match(url) : undefined)
  if (found) {
    await cache.put(url, found.clone())
    return found
  }
  // The HTTP cache may hold what the page has loaded just now; without a hash in the name it may be an old version.
  const response = await fetch(url, { cache: isHashed(url) ? 'force-cache' : 'no-cache' })
  if (response.status === 200) await cache.put(url, response.clone())
  return response
}

worker.addEventListener('install', event => {
  const store = async (path: string): Promise<void> => {
    const response = await stored(urlOf(path))
    if (response.status !== 200) throw new Error(`${path}: the server responded ${response.status}`)
  }
  event.waitUntil(Promise.all(FILES.shell.map(store)))
})

// A new version waits until no page of the old one is open, and then removes the old one's files.
worker.addEventListener('activate', event => {
  const begin = async (): Promise<void> => {
    for (const other of await caches.keys())
      if (other.startsWith(owner) && other !== cacheName) await caches.delete(other)
    await worker.clients.claim()
  }
  event.waitUntil(begin())
})

worker.addEventListener('fetch', event => {
  const { request } = event
  if (request.method !== 'GET') return
  const url = new URL(request.url)
  url.search = url.hash = ''
  if (request.mode === 'navigate' && (url.href === scope || url.href === page)) event.respondWith(stored(page))
  // Also for a request of a range: the whole file is a valid response.
  else if (known.has(url.href) && url.href !== page) event.respondWith(stored(url.href))
})

/** The page tells what was loaded before this worker was there. */
worker.addEventListener('message', event => {
  const urls = event.data
  const store = async (url: string): Promise<void> => {
    if (known.has(url)) await stored(url).catch(() => {}) // stored on its next use
  }
  event.waitUntil(Promise.all(urls.map(store)))
})
