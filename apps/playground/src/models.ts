import { SamError } from '@sam/core'
import { connectSam, type RemoteSam } from '@sam/worker'
import type { Annotator, SamLike, Task } from '@sam/annotator'
import { backendName, megabytes } from './format.js'
import type { LoadedModel, ModelChoice, Prefer, Step } from './protocol.js'
import { forgetModel, rememberModel } from './remembered-model.js'
import { modelCache } from './weights/open-model.js'
import type { StoredModel } from './weights/weights-cache.js'

export interface ModelsState {
  readonly model?: LoadedModel | undefined
  /** Whether the model finds objects by a phrase. */
  readonly supportsText: boolean
  /** Loading in progress. */
  readonly busy?: Task | undefined
}

/** The model in its worker, and the models stored on this device. */
export interface Models {
  readonly state: ModelsState
  /** Loads a model in a worker of its own, in place of the one before. Returns whether it did; errors are shown. */
  load(choice: ModelChoice): Promise<boolean>
  /** Aborts loading. */
  stop(): void
  stored(): Promise<readonly StoredModel[]>
  remove(key: string): Promise<void>
}

export interface ModelsOptions {
  readonly annotator: Annotator
  readonly startWorker: () => Worker
  readonly prefer: Prefer
  readonly changed: () => void
}

export function createModels({ annotator, startWorker, prefer, changed }: ModelsOptions): Models {
  let state: ModelsState = { supportsText: false }
  let loading: AbortController | undefined
  let sam: RemoteSam | undefined
  let choice: ModelChoice | undefined
  const update = (part: Partial<ModelsState>): void => {
    state = { ...state, ...part }
    changed()
  }

  async function load(next: ModelChoice): Promise<boolean> {
    loading?.abort()
    const mine = (loading = new AbortController())
    const isMine = (): boolean => loading === mine
    annotator.set({ error: undefined })
    update({ busy: { text: 'Loading the model' } })
    try {
      let model!: LoadedModel
      const made = await connectSam(startWorker(), {
        signal: mine.signal,
        data: {
          model: next,
          prefer,
          onStep: (step: Step) => {
            if (isMine()) update({ busy: progressOf(step) })
          },
          onLoaded: (loaded: LoadedModel) => {
            model = loaded
          }
        }
      })
      const before = sam
      sam = made
      choice = next
      update({ model, supportsText: made.text !== undefined, busy: undefined })
      annotator.set({ status: `Model ${model.name} on ${backendName(model)}` })
      annotator.setSam(warmedUp(made))
      rememberModel(model.again)
      if (before) void before.dispose().then(sweep)
      return true
    } catch (error) {
      if (isMine()) update({ busy: undefined })
      annotator.fail(error)
      return false
    }
  }

  // A device that does not come back needs another backend, and with it another worker.
  let failed: Error | undefined
  annotator.subscribe(() => {
    const { error } = annotator.state
    if (error === failed) return
    failed = error
    if (SamError.is(error) && error.code === 'E_BACKEND_UNAVAILABLE' && choice && !state.busy) void load(choice)
  })

  return {
    get state() {
      return state
    },
    load,
    stop: () => loading?.abort(),
    stored: async () => (await (await modelCache())?.list()) ?? [],
    async remove(key) {
      await (await modelCache())?.remove(key)
      forgetModel(key)
    }
  }
}

/**
 * The model, whose images have been decoded once when they are ready: the first click then takes no longer than the
 * others.
 */
const warmedUp = (sam: RemoteSam): SamLike => ({
  text: sam.text,
  textWidth: sam.textWidth,
  recover: () => sam.recover(),
  async encode(input, options = {}) {
    const image = await sam.encode(input, options)
    try {
      await image.predict({ points: [{ x: image.width / 2, y: image.height / 2 }] }, { ...options, best: true })
      return image
    } catch (error) {
      image.dispose()
      throw error
    }
  }
})

/** Removes files of models that are no longer listed, once the worker that used them has ended. */
async function sweep(): Promise<void> {
  const cache = await modelCache()
  for (const milliseconds of [0, 100, 1000, 5000]) {
    await new Promise(resolve => setTimeout(resolve, milliseconds))
    await cache?.sweep()
  }
}

function progressOf({ doing, loaded, total }: Step): Task {
  const text = {
    download: 'Downloading the model',
    check: 'Verifying the stored model',
    compile: 'Preparing the model'
  }[doing]
  const size = loaded || total ? ` · ${megabytes(loaded)}${total ? ` of ${megabytes(total)}` : ''} MB` : ''
  return { text: text + size, part: total ? loaded / total : undefined }
}
