/** The bytes behind a URL, or a sentence that says why there are none. */
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

/** What relative addresses are relative to: the page, or the script of a worker. */
export const baseUrl = (): URL => new URL(globalThis.location.href)

/** Whether something is there: asked without reading it. */
export const exists = (url: URL): Promise<boolean> =>
  fetch(url, { method: 'HEAD' }).then(
    answer => answer.ok,
    () => false
  )

/** Whether transformers.js keeps a download: the browser's caches name it by its address. */
export const isDownloaded = async (url: URL, _path: string): Promise<boolean> =>
  'caches' in globalThis && (await caches.match(url).catch(() => undefined)) !== undefined

/** Where downloads are kept: the browser's own cache. */
export const cacheFolder = (): string | undefined => undefined

/** Nothing to turn off: onnxruntime-web sends nothing. */
export const quietRuntime = (): void => {}

/** The runtime's files must be served by the page: there is no default place that is not someone else's server. */
export const needsWasmPaths = true

export const defaultDevice = 'wasm'
