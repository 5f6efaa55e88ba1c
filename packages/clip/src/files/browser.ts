/** The bytes at a URL, or the reason why they could not be read. */
export async function readBytes(url: URL, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | string> {
  try {
    const answer = await fetch(url, signal ? { signal } : {})
    return answer.ok
      ? new Uint8Array(await answer.arrayBuffer())
      : `the server answered ${answer.status} ${answer.statusText}`.trimEnd()
  } catch (error) {
    signal?.throwIfAborted()
    return (error as Error).message
  }
}

/** Base of relative URLs: the page, or the script of a worker. */
export const baseUrl = (): URL => new URL(globalThis.location.href)

/** Whether the file exists, without reading it. */
export const exists = (url: URL): Promise<boolean> =>
  fetch(url, { method: 'HEAD' }).then(
    answer => answer.ok,
    () => false
  )

/** Whether transformers.js has cached a download: browser caches are keyed by URL. */
export const isDownloaded = async (url: URL, _path: string): Promise<boolean> =>
  'caches' in globalThis && (await caches.match(url).catch(() => undefined)) !== undefined

/** Folder of downloads: none, because browsers have their own cache. */
export const cacheFolder = (): string | undefined => undefined

/** Nothing to turn off: onnxruntime-web sends nothing. */
export const quietRuntime = (): void => {}

/** The runtime's files must be served by the page: every default would be a third-party server. */
export const needsWasmPaths = true

export const defaultDevice = 'wasm'
