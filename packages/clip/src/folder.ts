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
 * Where a CLIP's files are, when they do not lie in one folder under their own names: a bundler gives each a name of
 * its own.
 */
export type ClipPlaces = Readonly<Record<'config' | 'tokenizer' | 'weights', URL>>

/** Whether these are places of files, and not the files. */
export const isPlaces = (files: ClipPlaces | ClipFiles): files is ClipPlaces =>
  files.config instanceof URL && files.tokenizer instanceof URL

/**
 * The files of a folder in Hugging Face's layout, or of three places; the weights are only named, not opened. Throws
 * `WeightsError` `E_WEIGHTS_IO` or `E_WEIGHTS_FORMAT` for a JSON file that is missing or is none.
 */
export async function readClipFolder(folder: string | URL | ClipPlaces, signal?: AbortSignal): Promise<ClipFiles> {
  const places = typeof folder === 'object' && 'weights' in folder ? folder : placesIn(folderUrl(folder))
  const [config, tokenizer] = await Promise.all([places.config, places.tokenizer].map(url => readJson(url, signal)))
  return { config, tokenizer, weights: places.weights }
}

const placesIn = (base: URL): ClipPlaces => ({
  config: new URL('config.json', base),
  tokenizer: new URL('tokenizer.json', base),
  weights: new URL('model.safetensors', base)
})
