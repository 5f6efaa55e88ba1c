import { baseUrl, defaultDevice, exists, isDownloaded, needsWasmPaths, quietRuntime } from '#files'
import { BackendError, InputError, SamError, WeightsError, type Progress } from '@sam/core'
import { cacheFolder, readOptions, refuse, shown } from '@sam/core/graph'
import type { PhraseEncoder } from '@sam/core/model'
import { phraseEncoder, type PhraseOptions } from './phrase-encoder.js'
import { folderUrl } from './urls.js'
import { checkLength } from './tokenizer.js'
import {
  withSettings,
  type DownloadEvent,
  type Settings,
  type TransformersEnv,
  type TransformersModule
} from './transformers-module.js'

/** transformers.js' names of precisions, and their file suffixes. */
const fileEndings = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4'
} as const

export interface ClipTextOptions extends PhraseOptions {
  /**
   * A repository of the hub (`Xenova/clip-vit-base-patch32`), or a folder in transformers.js' layout: a path that
   * starts with `/`, `./` or `../`, or a URL. `sam export` writes such folders.
   */
  readonly model: string | URL
  /** Precision of the model file. Default `fp32`. */
  readonly dtype?: keyof typeof fileEndings | undefined
  /** Device of transformers.js: `cpu` or `cuda` in Node, `wasm` or `webgpu` in browsers. */
  readonly device?: string | undefined
  /**
   * Browsers: the URL of the folder with onnxruntime-web's files. No default, so that no page calls a third-party
   * server unintentionally.
   */
  readonly wasmPaths?: string | undefined
  /** Node: folder of downloads. Default: `sam/transformers` in the user's cache. */
  readonly cacheDir?: string | undefined
  /** Another hub with the same API. Its downloads are in a separate folder under `cacheDir`. */
  readonly host?: string | undefined
  /**
   * Another module with transformers.js' API, already loaded. It is used as configured, except for the settings that
   * loading changes temporarily.
   */
  readonly transformers?: TransformersModule | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** An abort stops downloads; no partial files remain. */
  readonly signal?: AbortSignal | undefined
}

/** CLIP's text encoder. */
export interface ClipText extends PhraseEncoder, AsyncDisposable {
  dispose(): Promise<void>
}

/** Sentences per run. */
const batch = 16

/**
 * CLIP's text model through transformers.js (`@xenova/transformers`, installed under that name as its maintained
 * successor), which is loaded only when this is called. Throws `WeightsError` `E_WEIGHTS_IO` for files that are missing
 * or could not be downloaded, `BackendError` if the module or its device is not available, `InputError` `E_BAD_OPTION`.
 * An abort rejects with the signal's reason.
 *
 * @example
 * const text = await clipText({ model: 'Xenova/clip-vit-large-patch14', dtype: 'q8' })
 * const sam = await loadSam({ weights, backend, text })
 */
export async function clipText(given: ClipTextOptions): Promise<ClipText> {
  const options = readOptions('clipText', given, {
    model: true,
    dtype: true,
    device: true,
    wasmPaths: true,
    cacheDir: true,
    host: true,
    transformers: true,
    templates: true,
    cache: true,
    onProgress: true,
    signal: true
  })
  if (!(options.model instanceof URL) && (typeof options.model !== 'string' || options.model === ''))
    refuse('E_BAD_OPTION', `model: must be a repository of the hub or a folder, found ${shown(options.model)}`)
  const { model, dtype = 'fp32', device = defaultDevice, onProgress, signal, templates, cache } = options
  signal?.throwIfAborted()
  if (!Object.hasOwn(fileEndings, dtype))
    throw new InputError('E_BAD_OPTION', `dtype: must be one of ${Object.keys(fileEndings).join(', ')}, found ${dtype}`)
  const file = `onnx/text_model${fileEndings[dtype]}.onnx`
  const location = locate(model)
  if ('folder' in location) await checkFolder(location.folder, file)
  const module = options.transformers ?? (await importTransformers(options))
  onProgress?.({ phase: 'open', loaded: 0, total: 0 })

  const progress = progressSum((loaded, total) => onProgress?.({ phase: 'compile', loaded, total }))
  const { tokenizer, text } = await withSettings(
    module,
    env => settingsOf(location, env, options),
    async () => {
      signal?.throwIfAborted()
      const common = { progress_callback: progress.event }
      try {
        if (!('folder' in location)) await checkRepository(location.id, module.env)
        signal?.throwIfAborted()
        const tokenizer = await module.AutoTokenizer.from_pretrained(location.id, common)
        signal?.throwIfAborted()
        // Version 2 names q8 `quantized`.
        const text = await module.CLIPTextModelWithProjection.from_pretrained(location.id, {
          ...common,
          dtype,
          device,
          quantized: dtype === 'q8'
        })
        if (signal?.aborted) await text.dispose()
        signal?.throwIfAborted()
        return { tokenizer, text }
      } catch (cause) {
        signal?.throwIfAborted()
        throw loadFailure(cause, { model: String(model), file, device })
      }
    }
  )

  const context = text.config.text_config?.max_position_embeddings ?? text.config.max_position_embeddings ?? 77
  let disposed = false
  const checkOpen = (): void => {
    if (disposed) throw new InputError('E_DISPOSED', 'this text model was disposed; load it again')
  }
  const run = async (sentences: readonly string[], stop?: AbortSignal): Promise<Float32Array[]> => {
    checkOpen()
    // Padding to the full context is the one setting that all versions support.
    const { text_embeds: embeds } = await text(
      tokenizer([...sentences], { padding: 'max_length', truncation: true, max_length: context })
    )
    stop?.throwIfAborted()
    const [, width] = embeds.dims as [number, number]
    return sentences.map((_, i) => embeds.data.slice(i * width, (i + 1) * width))
  }
  const check = (sentence: string): void => checkLength(tokenizer.encode(sentence).length, context)
  const [probe] = await run(['a'], signal)
  onProgress?.({ phase: 'ready', ...progress.all() })
  const dispose = async (): Promise<void> => {
    if (disposed) return
    disposed = true
    await text.dispose()
  }
  return {
    ...phraseEncoder({ width: probe.length, batch, checkOpen, check, run }, { templates, cache }),
    dispose,
    [Symbol.asyncDispose]: dispose
  }
}

type ModelLocation = { readonly id: string; readonly folder: URL; readonly base: string } | { readonly id: string }

/** The location of the model: folders are loaded as `<base>/<id>`, which every version of transformers.js supports. */
function locate(model: string | URL): ModelLocation {
  if (typeof model === 'string' && /^[\w.-]+(\/[\w.-]+)?$/.test(model) && !/^\.{1,2}(\/|$)/.test(model))
    return { id: model }
  const folder = folderUrl(model)
  const parent = new URL('..', folder)
  const id = decodeURIComponent(folder.pathname.slice(parent.pathname.length, -1))
  return { id, folder, base: parent.protocol === 'file:' ? decodeURIComponent(parent.pathname) : parent.href }
}

/** Reports all missing files in one error: transformers.js reports only one, and not always by name. */
async function checkFolder(folder: URL, file: string): Promise<void> {
  const wanted = ['config.json', 'tokenizer.json', 'tokenizer_config.json', file]
  const there = await Promise.all(wanted.map(name => exists(new URL(name, folder))))
  const missing = wanted.filter((_, i) => !there[i])
  if (missing.length) {
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${folder.href}: must contain ${wanted.join(', ')}; missing: ${missing.join(', ')}. \`sam export\` writes such a folder`
    )
  }
}

/**
 * transformers.js caches process-wide, for all hosts, that a repository has no `tokenizer_config.json`. Therefore the
 * host is checked first, unless the file is already downloaded. All other failures are left to transformers.js, which
 * does not cache them.
 */
async function checkRepository(id: string, env: TransformersEnv): Promise<void> {
  const file = 'tokenizer_config.json'
  const folder = (env.remotePathTemplate ?? '{model}/resolve/{revision}/')
    .replaceAll('{model}', id)
    .replaceAll('{revision}', 'main')
  const url = new URL(folder + file, hostUrl(env.remoteHost))
  if (await isDownloaded(url, `${env.cacheDir}${id}/${file}`)) return
  const answer = await (env.fetch ?? fetch)(url, { headers: { Range: 'bytes=0-0' } }).catch(() => undefined)
  await answer?.body?.cancel()
  if (answer?.status === 404)
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${url.href}: must exist, found status 404; check the names of model and host`
    )
}

/** The host as a URL that ends in a slash; relative to the page in browsers. */
function hostUrl(host: string): URL {
  try {
    return new URL(slashed(host), baseUrl())
  } catch (cause) {
    throw new InputError('E_BAD_OPTION', `host: must be a URL, found '${host}'`, { cause })
  }
}

async function importTransformers({ wasmPaths }: ClipTextOptions): Promise<TransformersModule> {
  if (needsWasmPaths && wasmPaths === undefined) {
    throw new InputError(
      'E_BAD_OPTION',
      "wasmPaths: must be the URL of the folder with onnxruntime-web's files, found none; without it transformers.js would load them from a third-party server"
    )
  }
  quietRuntime()
  try {
    return (await import('@xenova/transformers')) as unknown as TransformersModule
  } catch (cause) {
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      'transformers.js could not be loaded; npm install @xenova/transformers@npm:@huggingface/transformers@4.3.1, or use loadClip',
      { cause }
    )
  }
}

const slashed = (path: string): string => (path.endsWith('/') ? path : `${path}/`)

/** The hub whose downloads are in `cacheDir` itself. */
const mainHub = 'https://huggingface.co/'

/** Settings while loading. */
function settingsOf(
  location: ModelLocation,
  env: TransformersEnv,
  { cacheDir = cacheFolder('transformers'), host = env.remoteHost, signal, wasmPaths }: ClipTextOptions
): Settings {
  const local = 'folder' in location
  const get = env.fetch ?? globalThis.fetch
  // transformers.js keys downloads by repository and file alone, so other hosts get their own folder.
  const { href } = hostUrl(host)
  const folder = href === mainHub ? '' : `${encodeURIComponent(href)}/`
  return {
    env: {
      allowRemoteModels: !local,
      allowLocalModels: local,
      ...(local ? { localModelPath: location.base } : {}),
      remoteHost: slashed(host),
      ...(cacheDir !== undefined ? { cacheDir: slashed(cacheDir) + folder } : {}),
      ...(signal ? { fetch: (url, init) => get(url, { ...init, signal }) } : {})
    },
    wasmPaths
  }
}

/** Sums the files' progress; both numbers never decrease. */
function progressSum(report: (loaded: number, total: number) => void): {
  readonly event: (event: DownloadEvent) => void
  readonly all: () => { loaded: number; total: number }
} {
  const files = new Map<string, { loaded: number; total: number }>()
  let [loaded, total] = [0, 0]
  return {
    event: ({ status, file, loaded: done = 0, total: size = 0 }) => {
      if (status !== 'progress' || file === undefined) return
      const before = files.get(file) ?? { loaded: 0, total: 0 }
      files.set(file, { loaded: Math.max(before.loaded, done), total: Math.max(before.total, size, done) })
      const sum = (part: 'loaded' | 'total'): number => [...files.values()].reduce((n, f) => n + f[part], 0)
      ;[loaded, total] = [sum('loaded'), sum('total')]
      report(loaded, total)
    },
    all: () => ({ loaded: total, total })
  }
}

function loadFailure(
  cause: unknown,
  { model, file, device }: { model: string; file: string; device: string }
): SamError {
  if (SamError.is(cause)) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/device|execution ?provider|backend/i.test(message)) {
    const cuda =
      device === 'cuda'
        ? '; CUDA needs: npm install-scripts approve onnxruntime-node && ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node'
        : ''
    return new BackendError('E_BACKEND_UNAVAILABLE', `${model}: cannot be run on '${device}': ${message}${cuda}`, {
      cause
    })
  }
  return new WeightsError(
    'E_WEIGHTS_IO',
    `${model}: the text model (${file}, config.json, tokenizer.json) could not be loaded: ${message}`,
    { cause }
  )
}
