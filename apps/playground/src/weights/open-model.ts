import { loadClip, type Clip } from '@sam/clip'
import { loadSam, WeightsError, type Backend, type Sam } from '@sam/core'
import { refusing, type Refuse } from '@sam/core/graph'
import { embeddedModel } from '../model.js'
import type { ModelChoice, Step } from '../protocol.js'
import { privateFolder } from './folder.js'
import { weightsCache, type Incoming, type WeightsCache } from './weights-cache.js'

export interface OpenOptions {
  readonly backend: Backend
  readonly signal: AbortSignal
  readonly onStep: (step: Step) => void
}

export interface OpenedModel {
  readonly sam: Sam
  /** What reads phrases for it, to be disposed with it. */
  readonly clip?: Clip
  readonly note: string
  readonly again: ModelChoice | undefined
}

let cache: Promise<WeightsCache | undefined> | undefined
export const modelCache = (): Promise<WeightsCache | undefined> =>
  (cache ??= privateFolder('models').then(folder => folder && weightsCache(folder)))

/**
 * Loads a model, keeping a copy on this device of what comes from elsewhere. Throws what `loadSam` and `fetch` throw.
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
  const model = choice.kind === 'folder' ? wholeOf(choice) : choice
  if (model.kind === 'folder')
    return {
      sam: await load(new Map(model.files.map(f => [f.name, f]))),
      note: 'not kept: it is in several files',
      again: undefined
    }
  if (model.kind === 'embedded') {
    const { weights, description, clip: own } = embeddedModel()
    const clip = await loadClip({ ...own, backend, signal })
    try {
      return { sam: await load(weights, clip), clip, note: description, again: model }
    } catch (error) {
      await clip.dispose()
      throw error
    }
  }
  const key =
    model.kind === 'kept' ? model.key : model.kind === 'file' ? `file:${model.file.name}` : addressOf(model.url).href
  const kept = await modelCache()
  const found =
    model.kind === 'file'
      ? undefined
      : await kept?.open(key, { signal, onBytes: (loaded, total) => onStep({ doing: 'check', loaded, total }) })
  if (found) return { sam: await load(found), note: 'kept on this device', again: { kind: 'kept', key } }
  if (model.kind === 'kept') {
    throw new WeightsError(
      'E_WEIGHTS_IO',
      `${key.replace(/^file:/, '')} is not on this device any more, or was damaged; load it again`
    )
  }

  if (model.kind === 'file') {
    // Loaded first: what is not a model takes no room.
    const { file } = model
    const sam = await load(file)
    try {
      const blob = await keep(
        kept,
        { key, label: file.name, stream: file.stream(), size: file.size },
        { signal, onStep }
      )
      return { sam, ...(blob ? { note: keptNote, again: { kind: 'kept', key } } : { note: notKept, again: undefined }) }
    } catch (error) {
      await sam.dispose()
      throw error
    }
  }
  const blob = await keep(kept, await download(key, signal), { signal, onStep })
  if (blob) return { sam: await load(blob), note: keptNote, again: { kind: 'kept', key } }
  return { sam: await load(new URL(key)), note: notKept, again: undefined }
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
  kept: WeightsCache | undefined,
  incoming: Incoming,
  { signal, onStep }: Pick<OpenOptions, 'signal' | 'onStep'>
): Promise<Blob | undefined> {
  try {
    await navigator.storage.persist?.()
    if (kept)
      return await kept.keep(incoming, {
        signal,
        onBytes: (loaded, total) => onStep({ doing: 'download', loaded, total })
      })
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'QuotaExceededError') throw error
  }
  if (!incoming.stream.locked) await incoming.stream.cancel()
  return undefined
}

/** An address may end in `#sha256=…`: then the file must have this sum. */
async function download(key: string, signal: AbortSignal): Promise<Incoming> {
  const url = new URL(key)
  const fail: Refuse = refusing('E_WEIGHTS_IO', `${url.href}: `)
  const answer = await fetch(url, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    return fail(
      'the request failed; check the address and the network, and whether the server lets this page read it (CORS)',
      cause
    )
  })
  if (!answer.ok || !answer.body) return fail(`the server answered ${answer.status} ${answer.statusText}`.trimEnd())
  if (/^text\/html/i.test(answer.headers.get('content-type') ?? ''))
    return fail('is a web page, not a checkpoint; use the download link of the file itself')
  const size = Number(answer.headers.get('content-length') ?? NaN)
  const plain = (answer.headers.get('content-encoding') ?? 'identity') === 'identity'
  return {
    key,
    label: decodeURIComponent(url.pathname.split('/').pop()!) || url.host,
    stream: answer.body,
    size: plain && Number.isSafeInteger(size) ? size : undefined,
    sha256: /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1]
  }
}

function addressOf(text: string): URL {
  try {
    const url = new URL(text)
    if (/^https?:$/.test(url.protocol)) return url
  } catch {
    /* said below */
  }
  throw new WeightsError('E_WEIGHTS_IO', `an address must begin with https:// or http://, found '${text}'`)
}
