import type { WeightsLike } from '@sam/core'
import { folderUrl, readJson } from './places.js'

/** A CLIP's files, the JSON ones parsed. */
export interface ClipFiles {
  /** `config.json` */
  readonly config: unknown
  /** `tokenizer.json` */
  readonly tokenizer: unknown
  readonly weights: WeightsLike
}

/**
 * The files of a folder in Hugging Face's layout; the weights are only named, not opened. Throws `WeightsError` `E_WEIGHTS_IO` or `E_WEIGHTS_FORMAT`
 * for a JSON file that is missing or is none.
 */
export async function readClipFolder(folder: string | URL, signal?: AbortSignal): Promise<ClipFiles> {
  const base = folderUrl(folder)
  const [config, tokenizer] = await Promise.all(['config.json', 'tokenizer.json'].map(name => readJson(new URL(name, base), signal)))
  return { config, tokenizer, weights: new URL('model.safetensors', base) }
}
