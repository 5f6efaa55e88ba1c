import { loadClip, type Clip } from '@sam/clip'
import { loadSam, WeightsError, type Backend, type Sam } from '@sam/core'
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
  /** Disposes the model and what reads phrases for it; its kept file may then be removed. */
  dispose(): Promise<void>
}

let models: Promise<WeightsCache | undefined> | undefined
export const modelCache = (): Promise<WeightsCache | undefined> =>
  (models ??= privateFolder('models').then(folder => folder && weightsCache(folder, navigator.locks)))

/**
 * Loads a model, keeping a copy on this device of what comes from elsewhere. A copy is used again without a request;
 * only an address that is entered anew is asked whether it has another file by now. Throws what `loadSam` and `fetch`
 * throw.
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
  const model = choice.kind === 'folder' ? wholeOf(choice) : choice
  if (model.kind === 'folder')
    return opened(await load(new Map(model.files.map(f => [f.name, f]))), {
      note: 'not kept: it is in several files',
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
    // Loaded first: what is not a model takes no room.
    const { file } = model
    const sam = await load(file)
    try {
      const kept = await keep(
        cache,
        { key, label: file.name, stream: file.stream(), size: file.size },
        { signal, onStep }
      )
      await kept?.release() // the model reads the person's file
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
        ? 'kept on this device'
        : 'kept on this device; its address could not be checked for a newer file'
    if (kept) return openKept(kept, note)
  }
  if (model.kind === 'kept') {
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${key.replace(/^file:/, '')} is not on this device any more, or was damaged; load it again`
    )
  }
  const kept = await keep(cache, await download(key, signal), { signal, onStep })
  if (kept) return openKept(kept, keptNote)
  return opened(await load(new URL(key)), { note: notKept, again: undefined })
}

/** A folder with the model in one file is that file, under the folder's name. */
function wholeOf(folder: ModelChoice & { kind: 'folder' }): ModelChoice {
  const whole = folder.files.find(f => f.name === 'model.safetensors')
  return whole ? { kind: 'file', file: new File([whole], `${folder.name}.safetensors`) } : folder
}

const keptNote = 'kept on this device for the next visit'
const notKept = 'not kept: this browser has no room or no place for it'

/** Undefined where there is no place to keep it. */
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
