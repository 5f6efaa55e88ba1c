import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { readBytes as fetchBytes } from './browser.js'

/** The bytes of a file or behind a URL, or a sentence that says why there are none. */
export async function readBytes(url: URL): Promise<Uint8Array<ArrayBuffer> | string> {
  if (url.protocol !== 'file:') return fetchBytes(url)
  try {
    return new Uint8Array(await readFile(url))
  } catch (error) {
    return (error as Error).message
  }
}

/** What relative paths are relative to: the working directory. */
export const baseUrl = (): URL => pathToFileURL(`${process.cwd()}/`)
