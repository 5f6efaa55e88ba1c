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

/** The outline of an object, in pixels of the picture. */
export interface TracedOutline {
  /** Path data of SVG. */
  readonly path: string
  /** x, y, x, y … */
  readonly vertices: Float32Array
}

export interface TracedOutlines {
  /** Of the objects of the shown picture, in their order. */
  readonly shown: readonly TracedOutline[]
  /** Number of vertices in all pictures. */
  readonly vertices: number
}

/** Calls to the worker that makes files. */
export interface ExportCalls {
  /** One file, or a zip of several. Undefined if no mask has a pixel. */
  exportFiles(
    job: ExportJob,
    context: { readonly signal: AbortSignal; readonly onStep: (done: number, total: number) => void }
  ): Promise<PackedFile | undefined>
  /** The outlines that are written of the pictures, and their number of vertices. `shown`: index of a picture. */
  traceOutlines(pictures: readonly ExportPicture[], masks: MaskOptions, shown: number): Promise<TracedOutlines>
  /** PNG of the objects of a picture, in one image. */
  cutOut(picture: ExportPicture, masks: MaskOptions): Promise<Blob>
}
export type ExportCall = Connection<ExportCalls>['call']
