import { isTemporary, type Client } from './hub-client.js'
import { brief, refusing, type Refuse } from '../errors.js'
import { delay } from '../io/delay.js'
import type { Downloads, PartialFile } from '../io/downloads.js'
import { sha256 } from '#io'

/** A file of a repository. */
export interface HubFile {
  readonly name: string
  readonly size: number
  /** SHA-256 of a file in LFS, SHA-1 of git of a small one, in lower-case hexadecimal. */
  readonly digest: string
}

export interface FetchOptions {
  readonly client: Client
  readonly downloads: Downloads
  readonly url: URL
  readonly signal: AbortSignal | undefined
  /** Called with the number of bytes of this file that are there; fewer than before after a restart. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** How often a request that brought nothing is repeated, each time after twice the milliseconds. */
const [retries, firstDelay] = [4, 100]

/**
 * Repeats `work` while it fails for a temporary reason. When it got further than ever before, the count of its retries
 * begins again.
 */
export async function retrying<T>(
  work: () => Promise<T>,
  { progress = () => 0, signal }: { readonly progress?: () => number; readonly signal: AbortSignal | undefined }
): Promise<T> {
  for (let [failures, furthest] = [0, progress()]; ; ) {
    try {
      return await work()
    } catch (error) {
      if (progress() > furthest) [failures, furthest] = [0, progress()]
      if (!isTemporary(error) || failures === retries) throw error
      await delay(firstDelay * 2 ** failures++, signal)
    }
  }
}

/**
 * A file of a repository: from the cache, or downloaded, after what an interrupted download left. Returns its path, in
 * browsers a Blob. Throws `WeightsError` `E_WEIGHTS_IO`; after a wrong digest nothing of the file is left, after any
 * other failure and after an abort what can be resumed.
 */
export async function fetchFile(
  file: HubFile,
  { client, downloads, url, signal, onBytes }: FetchOptions
): Promise<string | Blob> {
  const { name, size } = file
  const fail = refusing('E_WEIGHTS_IO', `${brief(name)}: `)
  const found = await downloads.find(name, size)
  if (found !== undefined) {
    onBytes?.(size)
    return found
  }
  const partial = await downloads.begin(name, signal)
  let ended = false
  try {
    const other = await downloads.find(name, size) // another page may have completed it before `begin`
    if (other !== undefined) {
      onBytes?.(size)
      return other
    }
    if (partial.size > size) await partial.truncate()
    onBytes?.(partial.size)
    const receive = receiver(partial, { url, client, file, onBytes, fail })
    if (size > 0) await retrying(receive, { progress: () => partial.size, signal })
    const digest = await digestOf(partial, file, signal)
    if (digest !== file.digest) {
      ended = true
      await partial.discard()
      fail(
        `must have the ${file.digest.length === 64 ? 'SHA-256' : 'SHA-1'} ${file.digest}, found ${digest}; the download was damaged, try again`
      )
    }
    ended = true
    return await partial.commit()
  } finally {
    if (!ended) await partial.close()
  }
}

interface ReceiveOptions extends Pick<FetchOptions, 'url' | 'client' | 'onBytes'> {
  readonly file: HubFile
  readonly fail: Refuse
}

/**
 * Receives what is missing of a file, in one request; to be repeated when it fails. It begins at the first byte again
 * where the server does not know ranges, or has another version than at the request before (by its ETag; `If-Range`
 * would need a permission by CORS that servers do not give).
 */
function receiver(
  partial: PartialFile,
  { url, client, file: { size }, onBytes, fail }: ReceiveOptions
): () => Promise<void> {
  let version: string | undefined
  return () => {
    const from = partial.size
    if (from === size) return Promise.resolve() // all was there, and is checked by its digest
    const headers = { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) }
    return client.get(url, headers, async ({ status, headers, body, failed }) => {
      const before = version
      version = headers.get('etag')?.replace(/^W\//, '') ?? undefined
      const changed = from > 0 && before !== undefined && version !== undefined && version !== before
      if (status === 416 || (status === 206 && changed)) {
        await partial.truncate()
        failed('the file changed while it was downloaded')
      }
      if (status === 206) checkRange(headers, { from, size, fail })
      else if (from > 0) await partial.truncate()
      for await (const chunk of body) {
        if (partial.size + chunk.length > size) {
          await partial.truncate()
          fail(`must have ${size} bytes, the server sent more; try again`)
        }
        await partial.write(chunk)
        onBytes?.(partial.size)
      }
      if (partial.size < size) failed(`must have ${size} bytes, the server sent ${partial.size}`)
    })
  }
}

/** Checks `Content-Range`. A browser hides it where CORS does not permit it; the digest alone then decides. */
function checkRange(
  headers: Headers,
  { from, size, fail }: { readonly from: number; readonly size: number; readonly fail: Refuse }
): void {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? []
  if (start !== undefined && Number(start) !== from)
    fail(`asked for bytes from ${from}, the server sent those from ${start}; it does not serve ranges correctly`)
  if (total !== undefined && total !== '*' && Number(total) !== size)
    fail(`must have ${size} bytes, the server has ${total}; the file changed, try again`)
}

/** SHA-256, or the SHA-1 that git computes of a file and its size. */
async function digestOf(partial: PartialFile, { digest, size }: HubFile, signal?: AbortSignal): Promise<string> {
  if (digest.length === 64) {
    const hash = sha256()
    for await (const chunk of partial.chunks()) {
      signal?.throwIfAborted()
      hash.update(chunk)
    }
    return hash.digest()
  }
  const parts: Uint8Array<ArrayBuffer>[] = [new TextEncoder().encode(`blob ${size}\0`)]
  for await (const chunk of partial.chunks()) parts.push(chunk)
  const sum = await crypto.subtle.digest('SHA-1', await new Blob(parts).arrayBuffer())
  return Array.from(new Uint8Array(sum), byte => byte.toString(16).padStart(2, '0')).join('')
}
