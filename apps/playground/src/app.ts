import type { Point } from '@sam/core'
import type { Call } from './client.js'
import { latest } from './latest.js'
import { push, redo, startHistory, undo, type History } from './history.js'
import type { GivenPicture } from './image-input.js'
import { percent } from './percent.js'
import type { Answer, Candidate, ExportFormat, LoadedModel, ModelChoice, NamedMask, Prompts, Step } from './protocol.js'
import {
  activeObject,
  change,
  colorOf,
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
  readonly picture?: GivenPicture | undefined
  readonly model?: LoadedModel | undefined
  /** The picture's embedding is there: prompts can be answered. */
  readonly ready: boolean
  /** What is being waited for. `part` is 0 … 1 where that is known. */
  readonly busy?: { readonly text: string; readonly part?: number | undefined } | undefined
  readonly preview?: Candidate | undefined
  readonly status: string
  readonly error?: string | undefined
}

/** The page's state and all that changes it; the views read it. */
export interface App {
  readonly state: AppState
  readonly session: Session
  set(part: Partial<Pick<AppState, 'tool' | 'brush' | 'error'>>): void
  /** A step that undo takes back; a mere selection is none. */
  act(next: Session): void
  /** Chooses among the active object's masks; does nothing while there is no such mask. */
  choose(choice: number): void
  undo(): void
  redo(): void
  open(picture: GivenPicture): Promise<void>
  loadModel(model: ModelChoice): Promise<boolean>
  /** Gives up on what is being waited for. */
  stop(): void
  /** What a click here would give; undefined stops asking. */
  preview(at: Point | undefined): void
  /** The logits that a further prompt about the active object refines. */
  refined(): Float32Array | undefined
  answer(object: SessionObject): Answer | undefined
  /** The mask to show: the chosen one, or the last one until its answer is there. */
  shown(object: SessionObject): Candidate | undefined
  export(format: ExportFormat): Promise<Blob | undefined>
  /** Says why something could not be done. */
  fail(error: unknown): void
}

export interface AppOptions {
  readonly call: Call
  readonly prefer: 'webgpu' | 'wasm' | undefined
  readonly changed: () => void
}

export function createApp({ call, prefer, changed }: AppOptions): App {
  let state: AppState = { history: startHistory(emptySession), tool: 'include', brush: 36, ready: false, status: '' }
  /** Kept as long as history can come back to these prompts. */
  let answers = new WeakMap<Prompts, Answer>()
  const lastShown = new Map<number, Candidate>()
  const asking = new Map<number, { prompts: Prompts; stop: AbortController }>()
  let encoding: AbortController | undefined
  let loading: AbortController | undefined

  const update = (part: Partial<AppState>): void => {
    state = { ...state, ...part }
    changed()
  }
  const session = (): Session => state.history.present
  const isAbort = (error: unknown): boolean =>
    (error instanceof DOMException && error.name === 'AbortError') || (error as { code?: string }).code === 'AbortError'
  const fail = (error: unknown): void => {
    if (isAbort(error)) return
    update({ error: (error as Error).message, busy: undefined })
    // The worker opens the device again before it encodes.
    if ((error as { code?: string }).code === 'E_DEVICE_LOST' && state.ready) void encode()
  }

  /** Asks for every answer that is missing, and gives up on those that nobody waits for any more. */
  function ask(): void {
    for (const [id, { prompts, stop }] of asking) {
      if (session().objects.some(o => o.id === id && o.prompts === prompts)) continue
      stop.abort()
      asking.delete(id)
    }
    if (!state.ready) return
    for (const { id, prompts, name } of session().objects) {
      if (isEmpty(prompts) || answers.has(prompts) || asking.has(id)) continue
      const stop = new AbortController()
      asking.set(id, { prompts, stop })
      call('predict', { prompts }, { signal: stop.signal })
        .then(answer => {
          answers.set(prompts, answer)
          lastShown.set(id, answer[0])
          const score = percent(answer[0].score)
          update({
            status:
              answer.length > 1
                ? `${name}: ${answer.length} masks to choose from, the best scores ${score}`
                : `${name}: mask refined, score ${score}`
          })
        }, fail)
        .finally(() => {
          if (asking.get(id)?.stop === stop) asking.delete(id)
        })
    }
  }

  const previews = latest(
    (at: Point, signal) => call('predict', { prompts: { points: [at], strokes: [] }, best: true }, { signal }),
    answer => update({ preview: answer[0] })
  )
  const endPreview = (): void => {
    previews.stop()
    if (state.preview) update({ preview: undefined })
  }

  /** Encodes the picture with the model, when both are there. */
  async function encode(): Promise<void> {
    const { picture, model } = state
    if (!picture || !model) return
    encoding?.abort()
    const mine = (encoding = new AbortController())
    update({ ready: false, busy: { text: 'Looking at the picture' } })
    try {
      const { milliseconds } = await call('picture', { bitmap: picture.bitmap }, { signal: mine.signal })
      update({
        ready: true,
        busy: undefined,
        status: `Ready: ${picture.name} was read in ${(milliseconds / 1000).toFixed(1)} s`
      })
      ask()
    } catch (error) {
      fail(error)
    }
  }

  const moveTo = (history: History<Session>): void => {
    previews.stop()
    update({ history, preview: undefined })
    // Object ids are used again: the next object of this id must not show this mask.
    for (const id of lastShown.keys())
      if (!session().objects.some(o => o.id === id && !isEmpty(o.prompts))) lastShown.delete(id)
    ask()
  }
  const restart = (next: Session): void => {
    answers = new WeakMap()
    lastShown.clear()
    for (const { stop } of asking.values()) stop.abort()
    asking.clear()
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
      // The preview stays until the answer is there, so that nothing flickers.
      if (state.preview && isEmpty(object.prompts)) lastShown.set(object.id, state.preview)
      // To select another object changes nothing that one would take back.
      moveTo(next.objects === session().objects ? { ...state.history, present: next } : push(state.history, next))
    },
    choose(choice) {
      const { id, prompts } = activeObject(session())
      if (answers.get(prompts)?.[choice]) moveTo(push(state.history, change(session(), id, { choice })))
    },
    undo: () => moveTo(undo(state.history)),
    redo: () => moveTo(redo(state.history)),
    async open(picture) {
      restart(emptySession)
      state.picture?.bitmap.close()
      update({
        picture,
        ready: false,
        error: undefined,
        status: `${picture.name}, ${picture.bitmap.width} × ${picture.bitmap.height} pixels`
      })
      await encode()
    },
    async loadModel(model) {
      loading?.abort()
      const mine = (loading = new AbortController())
      update({ busy: { text: 'Loading the model' }, error: undefined })
      try {
        const loaded = await call(
          'load',
          { model, prefer },
          {
            signal: mine.signal,
            onStep: step => {
              if (loading === mine) update({ busy: progressOf(step) })
            }
          }
        )
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
      if (at && state.ready && isEmpty(activeObject(session()).prompts)) previews.ask(at)
      else endPreview()
    },
    refined() {
      const { prompts, choice } = activeObject(session())
      return answers.get(prompts)?.[choice].logits
    },
    answer: object => answers.get(object.prompts),
    shown: object =>
      isEmpty(object.prompts) ? undefined : (answers.get(object.prompts)?.[object.choice] ?? lastShown.get(object.id)),
    async export(format) {
      const objects = format === 'png' ? [activeObject(session())] : session().objects.filter(o => o.visible)
      const masks = objects.flatMap((object): NamedMask[] => {
        const candidate = answers.get(object.prompts)?.[object.choice]
        return candidate
          ? [{ name: object.name, color: colorOf(object), logits: candidate.logits, score: candidate.score }]
          : []
      })
      try {
        return await call('export', { format, masks, file: state.picture?.name ?? '' })
      } catch (error) {
        fail(error)
        return undefined
      }
    }
  }
}

/** Renames without asking anything again: the prompts stay the same. */
export const renamed = (session: Session, id: number, name: string): Session =>
  change(session, id, { name: name.trim() || `Object ${id}` })

function progressOf({ doing, loaded, total }: Step): { text: string; part?: number | undefined } {
  const text = { download: 'Fetching the model', check: 'Checking the kept model', compile: 'Preparing the model' }[
    doing
  ]
  const size =
    doing === 'compile'
      ? ''
      : ` · ${(loaded / 2 ** 20).toFixed(0)}${total ? ` of ${(total / 2 ** 20).toFixed(0)}` : ''} MB`
  return { text: text + size, part: total ? loaded / total : undefined }
}
