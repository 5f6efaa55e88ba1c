import { failAt } from './fail.js'
import type { DownloadOptions } from './hub.js'
import { indexPartLimit } from './limits.js'
import { openPth } from './pth.js'
import { openSafetensors } from './safetensors.js'
import { underMetaNames } from './sam-prefix.js'
import { indexFile, readIndex, singleFiles } from './shards.js'
import { merged, type WeightSource } from './source.js'
import { brief, refuse, shown } from '../errors.js'
import { readOptions } from '../options.js'
import { blobBytes, filesIn, memoryBytes, openFile, urlBytes, type ByteSource } from '#io'

/**
 * Where a checkpoint can come from. A string is a path in Node and a URL in browsers; `http(s):` is a URL everywhere,
 * and `hf:owner/name` a repository of the Hugging Face hub, which needs the option `download`. A map is a directory:
 * its files by name, as a browser gives them.
 */
export type WeightsLike = string | URL | Blob | Uint8Array | ArrayBuffer | ReadonlyMap<string, Blob> | WeightSource

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * Allows the download of a repository (`hf:owner/name`) and keeps it in the cache of the user, in browsers in the
   * Cache API of the page. Default: none.
   */
  readonly download?: boolean | DownloadOptions | undefined
  /**
   * Told as bytes are downloaded: those of a repository, or of a file at a server that knows no ranges. `total` is 0
   * when unknown.
   */
  readonly onProgress?: ((progress: { readonly loaded: number; readonly total: number }) => void) | undefined
  /** For a URL: milliseconds without a byte after which it fails. Default 60,000; Infinity: never. */
  readonly timeout?: number | undefined
}

/**
 * Opens a checkpoint: a `.pth` of `torch.save`, a safetensors file, a directory in Hugging Face's layout, or ONNX
 * models that still have a checkpoint's names (`openOnnx`), one file or a directory of them. Its content decides, not
 * its name. Only names and shapes are read; tensors come later, by range. A SAM's names are Meta's, whatever the file
 * calls them and whatever prefix they have (`underMetaNames`). An open source is returned as it is. Throws
 * `WeightsError`.
 */
export async function openWeights(from: WeightsLike, given: OpenOptions = {}): Promise<WeightSource> {
  const options = readOptions('openWeights', given, {
    signal: true,
    download: true,
    onProgress: true,
    timeout: true
  })
  if (isWeightSource(from)) return from
  options.signal?.throwIfAborted()
  if (from instanceof Map)
    return underMetaNames(await openDirectory('directory', from as ReadonlyMap<string, Blob>, options))
  if (isAddress(from) && /^hf:/i.test(String(from))) return openRepository(String(from), options)
  if (isAddress(from) && !isWeb(from) && String(from) !== '') {
    const files = await filesIn(from)
    if (files) return underMetaNames(await openDirectory(String(from), files, options))
  }
  return underMetaNames(
    await openBytes(await byteSource(from as Exclude<typeof from, ReadonlyMap<string, Blob>>, options), options)
  )
}

/** Downloads what the cache does not have of a repository, and opens it. */
async function openRepository(name: string, options: OpenOptions): Promise<WeightSource> {
  const { download = false } = options
  if (download === false)
    refuse(
      'E_BAD_OPTION',
      `${brief(name)}: a repository is downloaded only with the option download, found none: loadSam('${brief(name)}', { download: true, … }), --download on the command line`
    )
  const { downloadRepository } = await import('./hub.js')
  const files = await downloadRepository(name, { ...options, download: download === true ? {} : download })
  return underMetaNames(await openDirectory(name, files, options))
}

const isWeightSource = (from: WeightsLike): from is WeightSource =>
  typeof from === 'object' && from !== null && 'names' in from && 'bytes' in from
const isAddress = (from: unknown): from is string | URL => typeof from === 'string' || from instanceof URL
const isWeb = (from: string | URL): boolean => /^https?:/i.test(String(from))

async function byteSource(
  from: Exclude<WeightsLike, WeightSource | ReadonlyMap<string, Blob>>,
  options: OpenOptions
): Promise<ByteSource> {
  if (from instanceof Uint8Array || from instanceof ArrayBuffer) return memoryBytes(from)
  if (typeof Blob !== 'undefined' && from instanceof Blob) return blobBytes(from)
  if (!isAddress(from) || String(from) === '') {
    const model = typeof from === 'object' && from !== null && 'weights' in from
    const found = model ? 'an object with weights; pass these' : shown(from)
    return failAt(
      'checkpoint',
      'E_WEIGHTS_IO'
    )(`must be a path, a URL, a Blob, bytes or an open source, found ${found}`)
  }
  return isWeb(from) ? urlBytes(from, options) : openFile(from)
}

async function openBytes(source: ByteSource, { signal }: OpenOptions): Promise<WeightSource> {
  try {
    const head = await source.read(0, Math.min(source.size, 512), signal)
    const text = String.fromCharCode(...head)
    if (text[8] === '{') return await openSafetensors(source, signal)
    if (/^PK(\x03\x04|\x05\x06)/.test(text)) return await openPth(source, signal)
    if (/^\x08[\x01-\x0f][\x12\x1a\x22\x32\x3a\x42]/.test(text)) {
      const { openOnnx } = await import('./onnx.js') // few pages need it
      return await openOnnx(source, signal)
    }
    return failAt(source.name)(whatItIs(text, source.name))
  } catch (error) {
    await source.close()
    throw error
  }
}

const known: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'is empty; download it again'],
  [/^\s*<(!doctype|html|\?xml)/i, 'is a web page, not a checkpoint; use the download link of the file itself'],
  [/^version https:\/\/git-lfs/, 'is a Git LFS pointer, not the file it stands for; run `git lfs pull`'],
  [/^\x1f\x8b|^BZh|^\xfd7zXZ|^\x28\xb5\x2f\xfd|^7z\xbc\xaf/, 'is compressed; unpack it first'],
  [
    /^.{257}ustar/s,
    'is a tar archive; unpack it first, or when PyTorch before 0.4 wrote it, load it there and save it with a newer torch.save'
  ],
  [/^GGUF|^\x89HDF|^\x93NUMPY/, 'is of another framework; SAM is read from .pth and safetensors files']
]

function whatItIs(head: string, name: string): string {
  if (/^\x80[\x02-\x05]/.test(head)) {
    // A name is part of the command only where every shell reads it as it stands.
    const file = /^[\w./-]+$/.test(name) ? name : 'old.pth'
    const to = `${file.replace(/\.\w+$/, '')}-converted.pth`
    return (
      'is a pickle of torch.save before PyTorch 1.6, or of pickle.dump; convert it with PyTorch: ' +
      `python -c "import torch; torch.save(torch.load('${file}', map_location='cpu', weights_only=True), '${to}')"`
    )
  }
  return (
    known.find(([pattern]) => pattern.test(head))?.[1] ??
    'is neither a .pth of torch.save nor a safetensors file; check that the download is complete'
  )
}

/** A model as Hugging Face keeps it: one safetensors file, or several with a list of which tensor is in which. */
async function openDirectory(
  name: string,
  files: ReadonlyMap<string, string | Blob>,
  options: OpenOptions
): Promise<WeightSource> {
  const single = singleFiles.map(file => files.get(file)).find(file => file !== undefined)
  if (single !== undefined) return openBytes(await byteSource(single, options), options)
  const list = files.get(indexFile)
  if (list === undefined) {
    const models = [...files].filter(([file]) => isOnnx.test(file)).map(([, at]) => at)
    if (models.length) return openParts(name, models, options)
    return failAt(name, 'E_WEIGHTS_IO')('the directory holds no model.safetensors; name the checkpoint file itself')
  }
  // Looked up in the listing, so a name cannot lead out of the directory.
  const find = (part: string): string | Blob =>
    files.get(part) ?? failAt(`${name}/${indexFile}`)(`names '${brief(part)}', which is not in the directory`)
  return openParts(name, [...(await readIndex(await byteSource(list, {}), options.signal))].map(find), options)
}

/** Models of transformers.js in a directory of several precisions: those of full precision. */
const isOnnx = /(?<!_(fp16|quantized|int8|uint8|q4|q4f16|bnb4))\.onnx$/

/** One source over several files. */
async function openParts(name: string, files: readonly (string | Blob)[], options: OpenOptions): Promise<WeightSource> {
  if (files.length > indexPartLimit)
    failAt(name)(`the directory must have at most ${indexPartLimit} models, has ${files.length}`)
  const parts: WeightSource[] = []
  try {
    for (const file of files) parts.push(await openBytes(await byteSource(file, options), options))
    return merged(name, parts)
  } catch (error) {
    await Promise.all(parts.map(part => part.close()))
    throw error
  }
}
