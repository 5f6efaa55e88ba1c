import { baseUrl, readBytes } from '#files'
import { WeightsError } from '@sam/core'

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

/** Maximum size of a JSON file: a multilingual tokenizer has 20 MB. */
const jsonLimit = 64 * 2 ** 20

/**
 * Reads and parses a JSON file. Throws `WeightsError`: `E_WEIGHTS_IO` if it is missing, `E_WEIGHTS_FORMAT` if it is not
 * JSON.
 */
export async function readJson(url: URL, signal?: AbortSignal): Promise<unknown> {
  const bytes = await readBytes(url, signal)
  if (typeof bytes === 'string')
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${url.href}: ${bytes}; a CLIP folder must have config.json, tokenizer.json and model.safetensors`
    )
  if (bytes.length > jsonLimit)
    throw new WeightsError(
      'E_WEIGHTS_FORMAT',
      `${url.href}: must have at most ${jsonLimit} bytes, found ${bytes.length}`
    )
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown
  } catch (cause) {
    throw new WeightsError('E_WEIGHTS_FORMAT', `${url.href}: must be JSON; ${(cause as Error).message}`, { cause })
  }
}
