import type { Annotator, SamLike, Task } from '@sam/annotator'
import { connectSam, type RemoteSam } from '@sam/worker'
import { megabytes } from '../format.js'
import { samPort, type Call, type LoadedModel, type LoadStep, type ModelChoice } from '../protocol.js'
import { rememberModel } from './remembered-model.js'

/** The model of the page. */
export interface Models {
  readonly current: LoadedModel | undefined
  /** Loading in progress. */
  readonly loading: Task | undefined
  /** Loads a model in place of the current one, which stays if this fails. Returns whether it was loaded. */
  load(choice: ModelChoice): Promise<boolean>
  stop(): void
}

export interface ModelsOptions {
  readonly worker: Worker
  readonly call: Call
  readonly prefer: 'webgpu' | 'wasm' | undefined
  readonly annotator: Annotator
  readonly changed: () => void
}

export function createModels({ worker, call, prefer, annotator, changed }: ModelsOptions): Models {
  let current: { readonly model: LoadedModel; readonly sam: RemoteSam } | undefined
  let loading: { readonly abort: AbortController; task: Task } | undefined

  async function open(choice: ModelChoice, { abort, show }: { abort: AbortController; show: (task: Task) => void }) {
    const { signal } = abort
    const model = await call('load', [{ model: choice, prefer }, { signal, onStep: step => show(taskOf(step)) }], late =>
      void call('unload', [{ id: late.id }])
    )
    try {
      return { model, sam: await connectSam(samPort(worker, model.id), { signal }) }
    } catch (error) {
      await call('unload', [{ id: model.id }])
      throw error
    }
  }

  return {
    get current() {
      return current?.model
    },
    get loading() {
      return loading?.task
    },
    async load(choice) {
      loading?.abort.abort()
      const mine = (loading = { abort: new AbortController(), task: { text: 'Loading the model' } })
      changed()
      try {
        const opened = await open(choice, {
          abort: mine.abort,
          show: task => {
            mine.task = task
            changed()
          }
        })
        const before = current
        current = opened
        const { name, backend, again } = opened.model
        annotator.setSam(warmed(opened.sam))
        annotator.set({ error: undefined, status: `Model ${name} on ${backend.name}` })
        rememberModel(again)
        if (before) {
          await before.sam.dispose()
          await call('unload', [{ id: before.model.id }])
        }
        return true
      } catch (error) {
        annotator.fail(error)
        return false
      } finally {
        if (loading === mine) loading = undefined
        changed()
      }
    },
    stop: () => loading?.abort.abort()
  }
}

/** The model, whose images have been decoded once when they are ready: the first click then takes no longer than others. */
const warmed = (sam: RemoteSam): SamLike => ({
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

function taskOf({ doing, loaded, total }: LoadStep): Task {
  const text = {
    download: 'Downloading the model',
    check: 'Verifying the stored model',
    compile: 'Preparing the model'
  }[doing]
  const size = loaded || total ? ` · ${megabytes(loaded)}${total ? ` of ${megabytes(total)}` : ''} MB` : ''
  return { text: text + size, part: total ? loaded / total : undefined }
}
