import type { Connection } from '@sam/worker'
import type { ExportPicture, MaskOptions } from './export-picture.js'
import type { ExportFormat } from './formats.js'
import type { PackedFile } from './packed.js'

export interface ExportJob {
  readonly pictures: readonly ExportPicture[]
  readonly format: ExportFormat
  readonly masks: MaskOptions
  /** Name of the zip, if there are several files, without extension. */
  readonly name: string
}

/** Calls to the worker that makes files. */
export interface ExportCalls {
  /** One file, or a zip of several. Undefined if no mask has a pixel. */
  exportFiles(
    job: ExportJob,
    context: { readonly signal: AbortSignal; readonly onStep: (done: number, total: number) => void }
  ): Promise<PackedFile | undefined>
  /** Number of vertices of the outlines that are written. */
  countVertices(pictures: readonly ExportPicture[], masks: MaskOptions): Promise<number>
  /** PNG of the objects of a picture, in one image. */
  cutOut(picture: ExportPicture, masks: MaskOptions): Promise<Blob>
}
export type ExportCall = Connection<ExportCalls>['call']
