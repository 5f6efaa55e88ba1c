import { loadClip, type Clip } from '@sam/clip'
import { loadSam, type Backend, type Sam } from '@sam/core'
import { refuse } from '@sam/core/graph'
import { embeddedModel } from '../model.js'
import type { ModelChoice, Step } from '../protocol.js'
import { addressOf, compareWithAddress, download } from './address.js'
import { privateFolder } from './folder.js'
import { weightsCache, type Incoming, type KeptFile, type WeightsCache } from './weights-cache.js'

export interface OpenOptions {
  readonly backend: Backend
  readonly signal: AbortSignal
  readonly onStep: (step: Step) => void
}

export interface OpenedModel {
  readonly sam: Sam
  readonly note: string
  readonly again: ModelChoice | undefined
  /** Disposes the model and its text encoder, and releases its saved file. */
  dispose(): Promise<void>
}

let models: Promise<WeightsCache | undefined> | undefined
export const modelCache = (): Promise<WeightsCache | undefined> =>
  (models ??= privateFolder('models').then(folder => folder && weightsCache(folder, navigator.locks)))

/**
 * Loads a model, and saves a copy of a file or download on this device. A saved copy is used without a request, except
 * that a URL entered again is checked for a newer file. Throws what `loadSam` and `fetch` throw.
 */
export async function openModel(choice: ModelChoice, { backend, signal, onStep }: OpenOptions): Promise<OpenedModel> {
  const load = (weights: Blob | URL | ReadonlyMap<string, Blob>, text?: Clip): Promise<Sam> =>
    loadSam({
      weights,
      backend,
      text,
      signal,
      onProgress: ({ loaded, total }) => onStep({ doing: 'compile', loaded, total })
    })
  const opened = (sam: Sam, about: Pick<OpenedModel, 'note' | 'again'>, end?: () => Promise<void>): OpenedModel => ({
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
      note: 'not saved: the model has several files',
      again: undefined
    })
  if (model.kind === 'embedded') {
    const { weights, description, clip: own } = embeddedModel()
    const clip = await loadClip({ ...own, backend, signal })
    try {
      return opened(await load(weights, clip), { note: description, again: model }, () => clip.dispose())
    } catch (error) {
      await clip.dispose()
      throw error
    }
  }
  const key =
    model.kind === 'kept' ? model.key : model.kind === 'file' ? `file:${model.file.name}` : addressOf(model.url).href
  const again = { kind: 'kept', key } as const
  const openKept = async ({ blob, release }: KeptFile, note: string): Promise<OpenedModel> => {
    try {
      return opened(await load(blob), { note, again }, release)
    } catch (error) {
      await release()
      throw error
    }
  }
  const cache = await modelCache()
  if (model.kind === 'file') {
    // Loaded before it is saved: a file that is not a model takes no space.
    const { file } = model
    const sam = await load(file)
    try {
      const kept = await keep(
        cache,
        { key, label: file.name, stream: file.stream(), size: file.size },
        { signal, onStep }
      )
      await kept?.release() // the model reads the user's file
      return opened(sam, kept ? { note: keptNote, again } : { note: notKept, again: undefined })
    } catch (error) {
      await sam.dispose()
      throw error
    }
  }
  const entry = (await cache?.list())?.find(e => e.key === key)
  const address = entry && model.kind === 'url' ? await compareWithAddress(entry, signal) : 'same'
  if (entry && address !== 'changed') {
    const kept = await cache!.open(key, {
      signal,
      onBytes: (loaded, total) => onStep({ doing: 'check', loaded, total })
    })
    const note =
      address === 'same'
        ? 'saved on this device'
        : 'saved on this device; its URL could not be checked for a newer file'
    if (kept) return openKept(kept, note)
  }
  if (model.kind === 'kept') {
    refuse('E_WEIGHTS_IO', `${key.replace(/^file:/, '')} is no longer on this device, or is damaged; load it again`)
  }
  const kept = await keep(cache, await download(key, signal), { signal, onStep })
  if (kept) return openKept(kept, keptNote)
  return opened(await load(new URL(key)), { note: notKept, again: undefined })
}

/** A folder with a single model file, as that file under the folder's name; else the folder. */
function singleFileOf(folder: ModelChoice & { kind: 'folder' }): ModelChoice {
  const single = folder.files.find(f => f.name === 'model.safetensors')
  return single ? { kind: 'file', file: new File([single], `${folder.name}.safetensors`) } : folder
}

const keptNote = 'saved on this device for the next visit'
const notKept = 'not saved: this browser has no storage or too little space for it'

/** Saves a model. Undefined if the browser has no storage, or too little space. */
async function keep(
  cache: WeightsCache | undefined,
  incoming: Incoming,
  { signal, onStep }: Pick<OpenOptions, 'signal' | 'onStep'>
): Promise<KeptFile | undefined> {
  try {
    await navigator.storage.persist?.()
    if (cache)
      return await cache.keep(incoming, {
        signal,
        onBytes: (loaded, total) => onStep({ doing: 'download', loaded, total })
      })
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') throw error
  }
  if (!incoming.stream.locked) await incoming.stream.cancel()
  return undefined
}
