import { baseUrl, readBytes } from '#files'
import { WeightsError } from '@sam/core'
import { shownAddress } from '@sam/core/graph'

/**
 * A folder as a URL that ends in a slash: from a path or `file:` URL in Node, a URL relative to the page in browsers,
 * `http(s):` everywhere.
 */
export function folderUrl(folder: string | URL): URL {
  const url =
    folder instanceof URL
      ? folder
      : /^(https?|file):/i.test(folder)
        ? new URL(folder)
        : new URL(folder.replaceAll('%', '%25').replaceAll('?', '%3F').replaceAll('#', '%23'), baseUrl())
  return url.pathname.endsWith('/') ? url : new URL(`${url.href}/`)
}

/** The largest JSON file that is read: a tokenizer of many languages has 20 MB. */
const jsonLimit = 32 * 2 ** 20

/**
 * Reads and parses a JSON file. Throws `WeightsError`: `E_WEIGHTS_IO` if it is missing, `E_WEIGHTS_FORMAT` if it is not
 * JSON.
 */
export async function readJson(url: URL, signal?: AbortSignal): Promise<unknown> {
  const name = url.protocol === 'file:' ? url.href : shownAddress(url)
  const bytes = await readBytes(url, { limit: jsonLimit, signal })
  if (typeof bytes === 'string')
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${name}: ${bytes}; a CLIP folder holds config.json, tokenizer.json and model.safetensors`
    )
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown
  } catch (cause) {
    throw new WeightsError('E_WEIGHTS_FORMAT', `${name}: must be JSON; ${(cause as Error).message}`, { cause })
  }
}
