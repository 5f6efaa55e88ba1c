import { loadClip } from '@sam/clip'
import { loadSam, type Backend, type Sam, type TextModel } from '@sam/core'
import { refuse } from '@sam/core/graph'
import { bundledModels } from '../bundled-models.js'
import { lazyText } from '../lazy-text.js'
import { tinyText } from '../tiny-text.js'
import type { Step, ModelChoice } from '../protocol.js'
import { addressOf, checksumIn, compareWithAddress, download } from './address.js'
import { privateFolder } from './folder.js'
import { verifiedBlob, weightsCache, type Incoming, type StoredFile, type WeightsCache } from './weights-cache.js'

export interface OpenOptions {
  readonly backend: Backend
  readonly signal: AbortSignal
  readonly onStep: (step: Step) => void
}

export interface OpenedModel {
  readonly sam: Sam
  /** Its name for users. Default: that of its configuration. */
  readonly label?: string
  readonly note: string
  readonly again: ModelChoice | undefined
  /** Disposes the model and its text encoder, and releases its stored file. */
  dispose(): Promise<void>
}

let models: Promise<WeightsCache | undefined> | undefined
export const modelCache = (): Promise<WeightsCache | undefined> =>
  (models ??= privateFolder('models').then(folder => folder && weightsCache(folder, navigator.locks)))

/**
 * Loads a model, and stores a copy of a file or download on this device. A stored copy is used without a request,
 * except that a URL entered again is checked for a newer file. Throws what `loadSam` and `fetch` throw.
 */
export async function openModel(choice: ModelChoice, { backend, signal, onStep }: OpenOptions): Promise<OpenedModel> {
  const load = (weights: Blob | URL | ReadonlyMap<string, Blob>, text?: TextModel): Promise<Sam> =>
    loadSam({
      weights,
      backend,
      text,
      signal,
      onProgress: ({ loaded, total }) => onStep({ doing: 'compile', loaded, total })
    })
  const opened = (sam: Sam, about: Omit<OpenedModel, 'sam' | 'dispose'>, end?: () => Promise<void>): OpenedModel => ({
    sam,
    ...about,
    async dispose() {
      await sam.dispose()
      await end?.()
    }
  })
  const model = choice.kind === 'folder' ? singleFileOf(choice) : choice
  if (model.kind === 'folder')
    return opened(await load(new Map(model.files.map(f => [f.name, f]))), {
      note: 'not stored: the model has several files',
      again: undefined
    })
  if (model.kind === 'bundled' && !bundledModels[model.name].file) {
    const { label, weights, clip: own } = bundledModels[model.name]
    // The weights of the CLIP are downloaded when a phrase is typed.
    const text = own && lazyText(tinyText(), () => loadClip({ ...own, backend }))
    const sam = await load(weights, text)
    return opened(sam, { label, note: 'built in', again: model }, async () => text?.dispose())
  }
  const cache = await modelCache()
  if (model.kind === 'file') {
    // Loaded before it is stored: a file that is not a model takes no space.
    const { file } = model
    const key = `file:${file.name}`
    const sam = await load(file)
    try {
      const incoming = { key, label: file.name, stream: file.stream(), size: file.size }
      const stored = await store(cache, async () => incoming, { signal, onStep })
      await stored?.release() // the model reads the user's file
      return opened(
        sam,
        stored ? { note: storedNote, again: { kind: 'stored', key } } : { note: notStored, again: undefined }
      )
    } catch (error) {
      await sam.dispose()
      throw error
    }
  }

  const remote = model.kind === 'stored' ? undefined : remoteOf(model)
  const about = (note: string, key?: string): Omit<OpenedModel, 'sam' | 'dispose'> =>
    model.kind === 'bundled'
      ? {
          label: bundledModels[model.name].label,
          note,
          again: model
        }
      : { note, again: key === undefined ? undefined : { kind: 'stored', key } }
  const openStored = async ({ key, blob, release }: StoredFile, note: string): Promise<OpenedModel> => {
    try {
      return opened(await load(blob), about(note, key), release)
    } catch (error) {
      await release()
      throw error
    }
  }
  const sha256 = remote && checksumIn(remote.url)
  const key = model.kind === 'stored' ? model.key : remote!.key
  // A file whose checksum is known may have been stored under another key.
  const entry = (await cache?.list())?.find(e => (sha256 === undefined ? e.key === key : e.sha256 === sha256))
  const address = entry && remote ? await compareWithAddress(remote.url, entry.version, signal) : 'same'
  if (entry && address !== 'changed') {
    const stored = await cache!.open(entry.key, {
      signal,
      onBytes: (loaded, total) => onStep({ doing: 'check', loaded, total })
    })
    const note = address === 'same' ? storedNote : `${storedNote}; its URL could not be checked for a newer file`
    if (stored) return openStored(stored, note)
  }
  if (!remote) {
    return refuse(
      'E_WEIGHTS_IO',
      `${key.replace(/^file:/, '')} is no longer on this device, or is damaged; load it again`
    )
  }
  const incoming = async (): Promise<Incoming> => ({ ...(await download(remote.url, signal)), ...remote })
  const stored = await store(cache, incoming, { signal, onStep })
  if (stored) return openStored(stored, storedNote)
  const weights =
    sha256 === undefined
      ? remote.url
      : await verifiedBlob(await incoming(), {
          signal,
          onBytes: (loaded, total) => onStep({ doing: 'download', loaded, total })
        })
  return opened(await load(weights), about(notStored))
}

/** A file to download, and what is known about it. A checksum is part of the URL. */
interface Remote extends Partial<Pick<Incoming, 'label' | 'size'>>, Pick<Incoming, 'key'> {
  readonly url: URL
}

function remoteOf(model: ModelChoice & { kind: 'url' | 'bundled' }): Remote {
  if (model.kind === 'url') {
    const url = addressOf(model.url)
    return { url, key: url.href }
  }
  const { label, weights, file } = bundledModels[model.name]
  return { url: new URL(`#sha256=${file!.sha256}`, weights), key: `bundled:${model.name}`, label, size: file!.size }
}

/** A folder with a single model file, as that file under the folder's name; else the folder. */
function singleFileOf(folder: ModelChoice & { kind: 'folder' }): ModelChoice {
  const single = folder.files.find(f => f.name === 'model.safetensors')
  return single ? { kind: 'file', file: new File([single], `${folder.name}.safetensors`) } : folder
}

const storedNote = 'stored'
const notStored = 'not stored: this browser has no storage or too little space for it'

/** Stores a model. Undefined if the browser has no storage, or too little space. */
async function store(
  cache: WeightsCache | undefined,
  open: () => Promise<Incoming>,
  { signal, onStep }: Pick<OpenOptions, 'signal' | 'onStep'>
): Promise<StoredFile | undefined> {
  if (!cache) return undefined
  await navigator.storage.persist?.()
  const incoming = await open()
  try {
    return await cache.store(incoming, {
      signal,
      onBytes: (loaded, total) => onStep({ doing: 'download', loaded, total })
    })
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') throw error
    if (!incoming.stream.locked) await incoming.stream.cancel()
    return undefined
  }
}
