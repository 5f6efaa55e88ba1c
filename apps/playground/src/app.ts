import type { Point } from '@sam/core'
import { latest } from './latest.js'
import { push, redo, startHistory, undo, type History } from './history.js'
import type { NamedImage } from './image-input.js'
import { megabytes, percent } from './format.js'
import type {
  Call,
  Candidate,
  Candidates,
  ExportFormat,
  LoadedModel,
  ModelChoice,
  NamedMask,
  Prompts,
  Step
} from './protocol.js'
import {
  activeObject,
  change,
  emptySession,
  forgetMasks,
  isEmpty,
  type Session,
  type SessionObject
} from './session.js'

export type Tool = 'include' | 'exclude' | 'box' | 'brush' | 'erase' | 'hand'

export interface AppState {
  readonly history: History<Session>
  readonly tool: Tool
  /** Diameter of the brush on the screen, in CSS pixels. */
  readonly brush: number
  readonly image?: NamedImage | undefined
  readonly model?: LoadedModel | undefined
  /** Whether the image is encoded, so that prompts can be run. */
  readonly ready: boolean
  /** The operation in progress. `part` is its progress, 0 … 1, if known. */
  readonly busy?: { readonly text: string; readonly part?: number | undefined } | undefined
  readonly preview?: Candidate | undefined
  readonly status: string
  readonly error?: string | undefined
}

/** The page's state and its transitions. The views read it. */
export interface App {
  readonly state: AppState
  readonly session: Session
  set(part: Partial<Pick<AppState, 'tool' | 'brush' | 'error'>>): void
  /** Applies a step and adds it to the history. A change of selection adds no history entry. */
  act(next: Session): void
  /** Chooses one of the active object's masks. Does nothing if there is no such mask. */
  choose(choice: number): void
  undo(): void
  redo(): void
  open(image: NamedImage): Promise<void>
  loadModel(model: ModelChoice): Promise<boolean>
  /** Cancels the operation in progress. */
  stop(): void
  /** Previews the mask of a click at this point; undefined ends the preview. */
  preview(at: Point | undefined): void
  /** Low-resolution logits of the active object's chosen mask, which its next prompt refines. */
  refined(): Float32Array | undefined
  /** The predicted masks of an object's current prompts; undefined until they are predicted. */
  candidates(object: SessionObject): Candidates | undefined
  /** The mask to show: the chosen one, or the last one shown while a prediction is pending. */
  shown(object: SessionObject): Candidate | undefined
  export(format: ExportFormat): Promise<Blob | undefined>
  /** Shows an error to the user. Aborts are ignored. */
  fail(error: unknown): void
}

export interface AppOptions {
  readonly call: Call
  readonly prefer: 'webgpu' | 'wasm' | undefined
  readonly changed: () => void
}

export function createApp({ call, prefer, changed }: AppOptions): App {
  let state: AppState = { history: startHistory(emptySession), tool: 'include', brush: 36, ready: false, status: '' }
  /** Predictions by prompts, kept while the history refers to these prompts. */
  let predictions = new WeakMap<Prompts, Candidates>()
  const lastShown = new Map<number, Candidate>()
  const pending = new Map<number, { prompts: Prompts; stop: AbortController }>()
  let encoding: AbortController | undefined
  let loading: AbortController | undefined

  const update = (part: Partial<AppState>): void => {
    state = { ...state, ...part }
    changed()
  }
  const session = (): Session => state.history.present
  const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError'
  const fail = (error: unknown): void => {
    if (isAbort(error)) return
    update({ error: (error as Error).message, busy: undefined })
    // The worker recovers the device before it encodes.
    if ((error as { code?: string }).code === 'E_DEVICE_LOST' && state.ready) void encode()
  }

  /** Requests every missing prediction, and aborts those that are no longer needed. */
  function requestMissing(): void {
    for (const [id, { prompts, stop }] of pending) {
      if (session().objects.some(o => o.id === id && o.prompts === prompts)) continue
      stop.abort()
      pending.delete(id)
    }
    if (!state.ready) return
    for (const { id, prompts, name } of session().objects) {
      // A model without text prompts predicts from the others.
      const usable = state.model?.supportsText ? prompts : { ...prompts, phrase: undefined }
      if (isEmpty(usable) || predictions.has(prompts) || pending.has(id)) continue
      const stop = new AbortController()
      pending.set(id, { prompts, stop })
      call('predict', [{ prompts: usable }, { signal: stop.signal }])
        .then(candidates => {
          predictions.set(prompts, candidates)
          lastShown.set(id, candidates[0])
          const score = percent(candidates[0].score)
          update({
            status:
              candidates.length > 1
                ? `${name}: ${candidates.length} masks to choose from, best score ${score}`
                : `${name}: mask refined, score ${score}`
          })
        }, fail)
        .finally(() => {
          if (pending.get(id)?.stop === stop) pending.delete(id)
        })
    }
  }

  const previews = latest(
    (at: Point, signal) => call('predict', [{ prompts: { points: [at], strokes: [] }, best: true }, { signal }]),
    candidates => update({ preview: candidates[0] })
  )
  const endPreview = (): void => {
    previews.stop()
    if (state.preview) update({ preview: undefined })
  }

  /** Encodes the image, if both an image and a model are loaded. */
  async function encode(): Promise<void> {
    const { image, model } = state
    if (!image || !model) return
    encoding?.abort()
    const mine = (encoding = new AbortController())
    update({ ready: false, busy: { text: 'Encoding the image' } })
    try {
      const { milliseconds } = await call('encode', [{ bitmap: image.bitmap }, { signal: mine.signal }])
      update({
        ready: true,
        busy: undefined,
        status: `Ready: ${image.name} encoded in ${(milliseconds / 1000).toFixed(1)} s`
      })
      requestMissing()
    } catch (error) {
      fail(error)
    }
  }

  const moveTo = (history: History<Session>): void => {
    previews.stop()
    update({ history, preview: undefined })
    // Object ids are reused: the next object with this id must not show this mask.
    for (const id of lastShown.keys())
      if (!session().objects.some(o => o.id === id && !isEmpty(o.prompts))) lastShown.delete(id)
    requestMissing()
  }
  const restart = (next: Session): void => {
    predictions = new WeakMap()
    lastShown.clear()
    for (const { stop } of pending.values()) stop.abort()
    pending.clear()
    previews.stop()
    update({ history: startHistory(next), preview: undefined })
  }

  return {
    get state() {
      return state
    },
    get session() {
      return session()
    },
    fail,
    set(part) {
      if (part.tool) endPreview()
      update(part)
    },
    act(next) {
      const object = activeObject(session())
      // The preview stays until the prediction arrives, to avoid flicker.
      if (state.preview && isEmpty(object.prompts)) lastShown.set(object.id, state.preview)
      // A change of selection is not undoable.
      moveTo(next.objects === session().objects ? { ...state.history, present: next } : push(state.history, next))
    },
    choose(choice) {
      const { id, prompts } = activeObject(session())
      if (predictions.get(prompts)?.[choice]) moveTo(push(state.history, change(session(), id, { choice })))
    },
    undo: () => moveTo(undo(state.history)),
    redo: () => moveTo(redo(state.history)),
    async open(image) {
      restart(emptySession)
      state.image?.bitmap.close()
      update({
        image,
        ready: false,
        error: undefined,
        status: `${image.name}, ${image.bitmap.width} × ${image.bitmap.height} pixels`
      })
      await encode()
    },
    async loadModel(model) {
      loading?.abort()
      const mine = (loading = new AbortController())
      update({ busy: { text: 'Loading the model' }, error: undefined })
      try {
        const loaded = await call('load', [
          { model, prefer },
          {
            signal: mine.signal,
            onStep: step => {
              if (loading === mine) update({ busy: progressOf(step) })
            }
          }
        ])
        if (state.model) restart(forgetMasks(session()))
        update({ model: loaded, busy: undefined, status: `Model ${loaded.name} on ${loaded.backend.name}` })
        await encode()
        return true
      } catch (error) {
        fail(error)
        return false
      }
    },
    stop() {
      loading?.abort()
      encoding?.abort()
      update({ busy: undefined, status: 'Stopped' })
    },
    preview(at) {
      if (at && state.ready && isEmpty(activeObject(session()).prompts)) previews.request(at)
      else endPreview()
    },
    refined() {
      const { prompts, choice } = activeObject(session())
      return predictions.get(prompts)?.[choice].logits
    },
    candidates: object => predictions.get(object.prompts),
    shown: object =>
      isEmpty(object.prompts)
        ? undefined
        : (predictions.get(object.prompts)?.[object.choice] ?? lastShown.get(object.id)),
    async export(format) {
      const objects = format === 'png' ? [activeObject(session())] : session().objects.filter(o => o.visible)
      const masks = objects.flatMap((object): NamedMask[] => {
        const candidate = predictions.get(object.prompts)?.[object.choice]
        return candidate ? [{ id: object.id, name: object.name, logits: candidate.logits, score: candidate.score }] : []
      })
      try {
        return await call('export', [{ format, masks, file: state.image?.name || 'image' }])
      } catch (error) {
        fail(error)
        return undefined
      }
    }
  }
}

/** Renames an object. Its prompts stay the same, so nothing is predicted again. */
export const renamed = (session: Session, id: number, name: string): Session =>
  change(session, id, { name: name.trim() || `Object ${id}` })

function progressOf({ doing, loaded, total }: Step): { text: string; part?: number | undefined } {
  const text = {
    download: 'Downloading the model',
    check: 'Verifying the stored model',
    compile: 'Preparing the model'
  }[doing]
  const size = doing === 'compile' ? '' : ` · ${megabytes(loaded)}${total ? ` of ${megabytes(total)}` : ''} MB`
  return { text: text + size, part: total ? loaded / total : undefined }
}
