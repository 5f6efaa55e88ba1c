import { colorOf, type Annotator, type AnnotatedObject, type Picture, type Task } from '@sam/annotator'
import { connect } from '@sam/worker'
import { save } from '../ui/dom.js'
import { exportOutlines, type ExportOutlines } from './export-outlines.js'
import type { ExportPicture, MaskOptions } from './export-picture.js'
import type { ExportFormat } from './formats.js'
import { stemOf } from './names.js'
import type { ExportCall, ExportCalls } from './protocol.js'

/** What is exported: the selected object, all objects of this picture, or those of all pictures. */
export type ExportScope = 'object' | 'picture' | 'all'

export interface ExportSettings {
  readonly format: ExportFormat
  readonly scope: ExportScope
  readonly masks: MaskOptions
}

export interface Exports {
  /** An export in progress. */
  readonly busy: Task | undefined
  /** Number of objects that would be written, and of visible ones in the scope without a mask or with an empty one. */
  count(scope: ExportScope): { readonly objects: number; readonly empty: number }
  /** The outlines that would be written; those before while they are traced. */
  outlines(settings: ExportSettings): ExportOutlines | undefined
  /** Makes the files and saves them, several as one zip. */
  download(settings: ExportSettings): Promise<void>
  /** Copies a cut-out of the selected object, else of all objects in one, to the clipboard. */
  copy(masks: MaskOptions): Promise<void>
  stop(): void
}

export function createExports(annotator: Annotator, changed: () => void): Exports {
  let busy: Task | undefined
  let running: AbortController | undefined
  let connected: ExportCall | undefined
  /** Its worker starts with the first export. */
  const call: ExportCall = (...args) =>
    (connected ??= connect<ExportCalls>(
      new Worker(new URL('./export.worker.ts', import.meta.url), { type: 'module' })
    ).call)(...args)

  const outlines = exportOutlines({
    trace: (...args) => call('traceOutlines', args),
    changed,
    fail: error => annotator.fail(error)
  })

  const isIn = (scope: ExportScope, { id }: AnnotatedObject): boolean =>
    scope !== 'object' || id === annotator.active?.id
  const picturesIn = (scope: ExportScope): readonly Picture[] =>
    scope === 'all' ? annotator.project.pictures : annotator.picture ? [annotator.picture] : []

  const exported = (picture: Picture, scope: ExportScope): ExportPicture => ({
    file: picture.name,
    blob: annotator.blobOf(picture.id) ?? new Blob(),
    width: picture.width,
    height: picture.height,
    objects: annotator
      .masked(picture)
      .filter(({ object }) => isIn(scope, object))
      .map(({ object, category, mask }) => ({
        id: object.id,
        name: object.name,
        label: category?.name,
        color: colorOf(annotator.project, object),
        mask,
        score: object.score ?? (mask.lowResLogits && mask.predictedIou)
      }))
  })

  async function working(text: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    const show = (task: Task | undefined): void => {
      busy = task
      changed()
    }
    show({ text })
    try {
      await work(mine.signal)
    } catch (error) {
      if (mine.signal.aborted) annotator.set({ status: 'Stopped' })
      else annotator.fail(error)
    } finally {
      if (running === mine) show(undefined)
    }
  }

  const exports: Exports = {
    get busy() {
      return busy
    },
    count(scope) {
      const pictures = picturesIn(scope)
      const objects = pictures.reduce((sum, picture) => sum + exported(picture, scope).objects.length, 0)
      const visible = pictures.flatMap(picture => picture.objects).filter(o => o.visible && isIn(scope, o))
      return { objects, empty: visible.length - objects }
    },
    outlines({ format, scope, masks }) {
      const pictures = picturesIn(scope)
      return outlines({
        pictures: pictures.map(picture => exported(picture, scope)),
        shown: pictures.findIndex(({ id }) => id === annotator.picture?.id),
        format,
        masks
      })
    },
    async download({ format, scope, masks }) {
      const { objects, empty } = exports.count(scope)
      const left = empty ? `; ${empty} without a mask left out` : ''
      if (!objects) return annotator.set({ status: `Nothing to export${left}` })
      const { name = 'image' } = annotator.picture ?? {}
      await working('Exporting', async signal => {
        const file = await call('exportFiles', [
          {
            pictures: picturesIn(scope).map(picture => exported(picture, scope)),
            format,
            masks,
            name: scope === 'all' ? `all-pictures-${format}` : `${stemOf(name)}-${format}`
          },
          {
            signal,
            onStep: (done, total) => {
              busy = { text: `Exporting · ${done} of ${total} objects`, part: done / total }
              changed()
            }
          }
        ])
        if (file) save(file.blob, file.name)
        annotator.set({ status: file ? `${file.name} saved${left}` : `Nothing to export${left}` })
      })
    },
    async copy(masks) {
      const { picture, active } = annotator
      const one = picture && exported(picture, active ? 'object' : 'picture')
      if (!one?.objects.length) return annotator.set({ status: 'Nothing to copy: there is no mask' })
      await working('Copying', async () => {
        // Safari needs the promise, within the click, and not its result.
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': call('cutOut', [one, masks]) })])
        annotator.set({ status: 'Cut-out copied to the clipboard' })
      })
    },
    stop: () => running?.abort()
  }
  return exports
}
