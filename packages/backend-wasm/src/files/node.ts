import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { readBytes as fetchBytes } from './browser.js'

/** The bytes of a file or at a URL, or the reason why they could not be read. */
export async function readBytes(url: URL): Promise<Uint8Array<ArrayBuffer> | string> {
  if (url.protocol !== 'file:') return fetchBytes(url)
  try {
    return new Uint8Array(await readFile(url))
  } catch (error) {
    return (error as Error).message
  }
}

/** Base of relative paths: the working directory. */
export const baseUrl = (): URL => pathToFileURL(`${process.cwd()}/`)
