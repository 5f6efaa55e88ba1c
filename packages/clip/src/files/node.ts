import { readFile, stat } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { BackendError } from '@sam/core'
import * as browser from './browser.js'

/** The bytes of a file or behind a URL, at most `limit` of them, or a sentence that says why there are none. */
export async function readBytes(
  url: URL,
  options: { readonly limit: number; readonly signal?: AbortSignal | undefined }
): Promise<Uint8Array<ArrayBuffer> | string> {
  if (url.protocol !== 'file:') return browser.readBytes(url, options)
  const { limit, signal } = options
  try {
    const found = await stat(url)
    if (!found.isFile()) return 'must be a file'
    if (found.size > limit) return browser.tooLarge(limit)
    return new Uint8Array(await readFile(url, signal ? { signal } : {}))
  } catch (error) {
    signal?.throwIfAborted()
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'no such file' : message
  }
}

/** Base of relative paths: the working directory. */
export const baseUrl = (): URL => pathToFileURL(`${process.cwd()}/`)

/** Whether the file exists, without reading it. */
export const exists = (url: URL): Promise<boolean> =>
  url.protocol === 'file:'
    ? stat(url).then(
        () => true,
        () => false
      )
    : browser.exists(url)

/** Whether transformers.js has cached a download: a file in its folder. */
export const isDownloaded = (_url: URL, path: string): Promise<boolean> => exists(pathToFileURL(path))

/**
 * onnxruntime 1.29 and later sends usage data unless it is disabled before the first session, in the environment of the
 * process.
 */
export function quietRuntime(): void {
  if (process.env.ORT_DISABLE_TELEMETRY !== undefined) return
  if (!isMainThread) {
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      'onnxruntime would send usage data, and a worker thread cannot stop it: set ORT_DISABLE_TELEMETRY=1 in the environment or in the main thread'
    )
  }
  process.env.ORT_DISABLE_TELEMETRY = '1'
}

export const needsWasmPaths = false

export const defaultDevice = 'cpu'
