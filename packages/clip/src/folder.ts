import type { WeightsLike } from '@sam/core'
import { folderUrl, readJson } from './urls.js'

/** A CLIP's files, with the JSON ones parsed. */
export interface ClipFiles {
  /** `config.json` */
  readonly config: unknown
  /** `tokenizer.json` */
  readonly tokenizer: unknown
  readonly weights: WeightsLike
}

/**
 * URLs of a CLIP's files, if they are not in one folder with their original names: bundlers rename files.
 */
export type ClipUrls = Readonly<Record<'config' | 'tokenizer' | 'weights', URL>>

/** Whether these are URLs of files, and not the files. */
export const isClipUrls = (files: ClipUrls | ClipFiles): files is ClipUrls =>
  files.config instanceof URL && files.tokenizer instanceof URL

/**
 * Reads the files of a folder in Hugging Face's layout, or of three URLs; the weights are only located, not opened.
 * Throws `WeightsError` `E_WEIGHTS_IO` or `E_WEIGHTS_FORMAT` for a JSON file that is missing or invalid.
 */
export async function readClipFolder(folder: string | URL | ClipUrls, signal?: AbortSignal): Promise<ClipFiles> {
  const urls = typeof folder === 'object' && 'weights' in folder ? folder : urlsIn(folderUrl(folder))
  const [config, tokenizer] = await Promise.all([urls.config, urls.tokenizer].map(url => readJson(url, signal)))
  return { config, tokenizer, weights: urls.weights }
}

const urlsIn = (base: URL): ClipUrls => ({
  config: new URL('config.json', base),
  tokenizer: new URL('tokenizer.json', base),
  weights: new URL('model.safetensors', base)
})
