import { failAt } from './fail.js'
import { parseJson } from './json.js'
import { indexLimit, indexPartLimit } from './limits.js'
import { openOnnx } from './onnx.js'
import { openPth } from './pth.js'
import { openSafetensors } from './safetensors.js'
import { underMetaNames } from './sam-prefix.js'
import { merged, type WeightSource } from './source.js'
import { brief, shown } from '../errors.js'
import { readOptions } from '../options.js'
import { blobBytes, filesIn, memoryBytes, openFile, urlBytes, type ByteSource } from '#io'

/**
 * Where a checkpoint can come from. A string is a path in Node and a URL in browsers; `http(s):` is a URL everywhere. A
 * map is a directory: its files by name, as a browser gives them.
 */
export type WeightsLike = string | URL | Blob | Uint8Array | ArrayBuffer | ReadonlyMap<string, Blob> | WeightSource

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * Told as bytes arrive when a server knows no ranges and the file must be downloaded whole. `total` is 0 when
   * unknown.
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
  const options = readOptions('openWeights', given, { signal: true, onProgress: true, timeout: true })
  if (isWeightSource(from)) return from
  options.signal?.throwIfAborted()
  if (from instanceof Map)
    return underMetaNames(await openDirectory('directory', from as ReadonlyMap<string, Blob>, options))
  if (isAddress(from) && !isWeb(from) && String(from) !== '') {
    const files = await filesIn(from)
    if (files) return underMetaNames(await openDirectory(String(from), files, options))
  }
  return underMetaNames(
    await openBytes(await byteSource(from as Exclude<typeof from, ReadonlyMap<string, Blob>>, options), options)
  )
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
    if (/^\x08[\x01-\x0f][\x12\x1a\x22\x32\x3a\x42]/.test(text)) return await openOnnx(source, signal)
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
  const single = files.get('model.safetensors') ?? files.get('pytorch_model.bin')
  if (single !== undefined) return openBytes(await byteSource(single, options), options)
  const list = files.get('model.safetensors.index.json')
  if (list === undefined) {
    const models = [...files].filter(([file]) => isOnnx.test(file)).map(([, at]) => at)
    if (models.length) return openParts(name, models, options)
    return failAt(name, 'E_WEIGHTS_IO')('the directory holds no model.safetensors; name the checkpoint file itself')
  }
  // Looked up in the listing, so a name cannot lead out of the directory.
  const find = (part: string): string | Blob =>
    files.get(part) ??
    failAt(`${name}/model.safetensors.index.json`)(`names '${brief(part)}', which is not in the directory`)
  return openParts(name, [...(await readIndex(list, options))].map(find), options)
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

/** The files that `weight_map` of a `model.safetensors.index.json` names, each once. */
async function readIndex(list: string | Blob, { signal }: OpenOptions): Promise<ReadonlySet<string>> {
  const file = await byteSource(list, {})
  const fail = failAt(file.name)
  try {
    if (file.size > indexLimit) fail(`must have at most ${indexLimit} bytes, has ${file.size}`)
    const json = parseJson(new TextDecoder().decode(await file.read(0, file.size, signal)))
    const map = json instanceof Map ? (json.get('weight_map') as unknown) : undefined
    const parts = map instanceof Map ? ([...map.values()] as unknown[]) : []
    if (parts.length === 0 || !parts.every(part => typeof part === 'string'))
      throw new SyntaxError('weight_map must name a file for each tensor')
    const files = new Set(parts)
    if (files.size > indexPartLimit) fail(`must name at most ${indexPartLimit} files, names ${files.size}`)
    return files
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    return fail(cause.message, cause)
  } finally {
    await file.close()
  }
}
