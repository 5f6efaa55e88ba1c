import { withoutCredentials } from '@sam/core/graph'

/** The bytes behind a URL, at most `limit` of them, or a sentence that says why there are none. */
export async function readBytes(
  url: URL,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined }
): Promise<Uint8Array<ArrayBuffer> | string> {
  try {
    const { url: plain, headers } = withoutCredentials(url)!
    const answer = await fetch(plain, { headers, ...(signal && { signal }) })
    if (!answer.ok) return `the server answered ${answer.status} ${answer.statusText}`.trimEnd()
    const parts: Uint8Array<ArrayBuffer>[] = []
    let size = 0
    const reader = answer.body?.getReader()
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      size += next.value.length
      if (size > limit) {
        await reader?.cancel()
        return tooLarge(limit)
      }
      parts.push(next.value)
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer())
  } catch (error) {
    signal?.throwIfAborted()
    return (error as Error).message
  }
}

export const tooLarge = (limit: number): string => `must have at most ${limit} bytes, found more`

/** What relative addresses are relative to: the page, or the script of a worker. */
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

/** Nothing to turn off: onnxruntime-web sends nothing. */
export const quietRuntime = (): void => {}

/** The runtime's files must be served by the page: every default would be a third-party server. */
export const needsWasmPaths = true

export const defaultDevice = 'wasm'
