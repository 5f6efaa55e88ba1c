import { colorOf, createAnnotator, type Annotator, type MaskedObject, type Picture, type Task } from '@sam/annotator'
import { connect } from '@sam/worker'
import { exactMasks, type ExportPicture, type MaskOptions } from './export/export-picture.js'
import type { ExportFormat } from './export/formats.js'
import { stemOf } from './export/names.js'
import { createModels, type Models } from './model/models.js'
import type { Call, Calls } from './protocol.js'
import { save } from './ui/dom.js'

/** What is exported: the selected object, all objects of this picture, or of all pictures. */
export type ExportScope = 'object' | 'picture' | 'all'

/** The parts of the panel that a phone shows one at a time. */
export type Tab = 'find' | 'objects' | 'masks' | 'export'

export type DialogName = 'models' | 'labels' | 'help' | 'camera'

/** What the panels show, besides the annotator's state. */
export interface PageState {
  readonly tab: Tab
  readonly dialog?: DialogName | undefined
  /** Only objects whose name or label contains it are listed. */
  readonly search: string
  /** Ids of the objects that are ticked; undefined: they have no ticks. */
  readonly ticked?: ReadonlySet<number> | undefined
  /** The phrase that the model could not search for, since it has no text encoder. */
  readonly refusedPhrase?: string | undefined
  readonly format: ExportFormat
  readonly scope: ExportScope
  readonly masks: MaskOptions
  readonly exporting?: Task | undefined
}

/** The page: the annotator, the model, and the state of the panels. */
export interface App {
  readonly annotator: Annotator
  readonly models: Models
  readonly state: PageState
  readonly call: Call
  set(part: Partial<PageState>): void
  /** Shows everything again. */
  changed(): void
  openFiles(files: readonly Blob[]): Promise<void>
  /** Searches for a phrase, once the picture is encoded. */
  find(phrase: string, not?: readonly string[]): Promise<void>
  /** Suggests masks of everything in the picture. */
  generate(): Promise<void>
  /** The objects to export: those that are visible and not empty. */
  exported(): readonly ExportPicture[]
  /** Visible objects in the scope that have no mask or an empty one. */
  emptyCount(): number
  download(): Promise<void>
  /** Copies a cut-out of the selected object, else of all, to the clipboard. */
  copy(): Promise<void>
  stopExport(): void
}

export interface AppOptions {
  readonly prefer: 'webgpu' | 'wasm' | undefined
  readonly changed: () => void
}

export function createApp({ prefer, changed }: AppOptions): App {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  const { call } = connect<Calls>(worker)
  const annotator = createAnnotator()
  const models = createModels({ worker, call, prefer, annotator, changed })
  let state: PageState = { tab: 'objects', search: '', format: 'cut-out', scope: 'object', masks: exactMasks }
  let exporting: AbortController | undefined

  const set = (part: Partial<PageState>): void => {
    state = { ...state, ...part }
    changed()
  }
  annotator.subscribe(changed)

  const inScope = ({ id }: MaskedObject['object']): boolean => state.scope !== 'object' || id === annotator.active?.id
  const pictures = (): readonly Picture[] =>
    state.scope === 'all' ? annotator.project.pictures : annotator.picture ? [annotator.picture] : []

  function exportPicture(picture: Picture, filter = inScope): ExportPicture {
    const { name, width, height, id } = picture
    return {
      file: name,
      blob: annotator.blobOf(id) ?? new Blob(),
      width,
      height,
      objects: annotator
        .masked(picture)
        .filter(({ object }) => filter(object))
        .map(({ object, category, mask }) => ({
          id: object.id,
          name: object.name,
          label: category?.name,
          color: colorOf(annotator.project, object),
          mask,
          score: object.score ?? (mask.lowResLogits && mask.predictedIou)
        }))
    }
  }

  async function working<T>(text: string, work: (abort: AbortController) => Promise<T>): Promise<T | undefined> {
    exporting?.abort()
    const mine = (exporting = new AbortController())
    set({ exporting: { text } })
    try {
      return await work(mine)
    } catch (error) {
      annotator.fail(error)
      return undefined
    } finally {
      if (exporting === mine) set({ exporting: undefined })
    }
  }

  /** Resolves when the picture that is shown is encoded, or cannot be. */
  const whenReady = (): Promise<void> =>
    new Promise(resolve => {
      const check = (): void => {
        if (!annotator.state.ready && !annotator.state.error) return
        end()
        resolve()
      }
      const end = annotator.subscribe(check)
      check()
    })

  const app: App = {
    annotator,
    models,
    call,
    get state() {
      return state
    },
    set,
    changed,
    openFiles: files =>
      annotator.addPictures(files.map(blob => ({ blob, name: 'name' in blob ? String(blob.name) : 'image.png' }))),
    async find(phrase, not = []) {
      if (!phrase || !annotator.picture) return
      if (annotator.state.sam && !annotator.state.sam.text) return set({ refusedPhrase: phrase })
      set({ refusedPhrase: undefined })
      await whenReady()
      await annotator.addPhrase(phrase, not.length ? { not } : {})
    },
    async generate() {
      annotator.set({ tool: 'select', level: 'all' })
      await annotator.generate(models.current?.automatic)
    },
    exported: () => pictures().map(picture => exportPicture(picture)),
    emptyCount: () =>
      pictures().reduce((sum, picture) => {
        const visible = picture.objects.filter(object => object.visible && inScope(object))
        return sum + visible.length - exportPicture(picture).objects.length
      }, 0),
    async download() {
      const { format, masks } = state
      const empty = app.emptyCount()
      const { name = 'image' } = annotator.picture ?? {}
      const file = await working('Exporting', ({ signal }) =>
        call('export', [
          { pictures: app.exported(), format, masks, name: state.scope === 'all' ? `pictures-${format}` : `${stemOf(name)}-${format}` },
          {
            signal,
            onStep: ({ done, total }) =>
              set({ exporting: { text: `Exporting · ${done} of ${total} objects`, part: done / total } })
          }
        ])
      )
      if (exporting?.signal.aborted) return annotator.set({ status: 'Stopped' })
      if (file) save(file.blob, file.name)
      const left = empty ? `; ${empty} without a mask left out` : ''
      annotator.set({ status: file ? `${file.name} saved${left}` : `Nothing to export${left}` })
    },
    async copy() {
      const picture = annotator.picture
      if (!picture) return
      const { active } = annotator
      const one = exportPicture(picture, object => !active || object.id === active.id)
      if (!one.objects.length) return annotator.set({ status: 'Nothing to copy: there is no mask' })
      await working('Copying', async () => {
        // Safari needs the promise, not its result, within the click.
        const blob = call('cutOut', [{ picture: one, masks: state.masks }])
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })])
        annotator.set({ status: 'Cut-out copied to the clipboard' })
      })
    },
    stopExport: () => exporting?.abort()
  }
  return app
}
