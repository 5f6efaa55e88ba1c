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
  readonly registration: { readonly scope: string; readonly active: unknown }
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

const loading = new Map<string, Promise<Response>>()

/**
 * The response for a file: stored, also by an earlier version of the page, or downloaded and stored. Several requests
 * at the same time are one download.
 */
async function stored(url: string): Promise<Response> {
  let response = loading.get(url)
  if (!response) {
    response = load(url).finally(() => loading.delete(url))
    loading.set(url, response)
  }
  return (await response).clone()
}

async function load(url: string): Promise<Response> {
  const cache = await caches.open(cacheName)
  const own = await cache.match(url)
  if (own) return own
  const earlier = isHashed(url) ? await caches.match(url) : undefined
  // The HTTP cache may hold what the page has loaded just now; without a hash in the name it may be an old version.
  const response = earlier ?? (await fetch(url, { cache: isHashed(url) ? 'force-cache' : 'no-cache' }))
  // Where there is no space, the page is not kept, but works.
  if (response.status === 200) await cache.put(url, response.clone()).catch(() => {})
  return response
}

/** Stores files. Throws if one cannot be downloaded, or there is no space. */
async function store(paths: readonly string[]): Promise<void> {
  const cache = await caches.open(cacheName)
  const one = async (path: string): Promise<void> => {
    const { status } = await stored(urlOf(path))
    if (status !== 200) throw new Error(`${path}: the server responded ${status}`)
    if (!(await cache.match(urlOf(path)))) throw new Error(`${path}: there is no space for it`)
  }
  await Promise.all(paths.map(one))
}

// The first version stores what its page loads, when it does. A later one needs all: the server no longer has the files
// of the version before.
worker.addEventListener('install', event => {
  event.waitUntil(store(worker.registration.active ? FILES.shell : ['index.html']))
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

/** The page has loaded what it needs, of which this worker has not seen what came before it. */
worker.addEventListener('message', event => {
  const used = event.data.filter(url => known.has(url)).map(url => stored(url))
  event.waitUntil(Promise.allSettled([store(FILES.shell), ...used])) // what is missing is stored on its next use
})
