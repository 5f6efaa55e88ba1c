import type { AutomaticMaskOptions } from '@sam/core'
import type { Choice } from '@sam/backend-wasm'
import type { Connection } from '@sam/worker'
import type { ExportPicture, MaskOptions } from './export/export-picture.js'
import type { ExportFormat } from './export/formats.js'
import type { PackedFile } from './export/packed.js'
import type { BundledName } from './model/bundled-models.js'
import type { StoredModel } from './model/weights/weights-cache.js'

/** Where a model comes from. */
export type ModelChoice =
  | { readonly kind: 'bundled'; readonly name: BundledName }
  | { readonly kind: 'file'; readonly file: File }
  /** A folder in Hugging Face layout: `model.safetensors`, or shards and their index. */
  | { readonly kind: 'folder'; readonly name: string; readonly files: readonly File[] }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'stored'; readonly key: string }

export interface LoadedModel {
  /** Of this model in the worker: for {@link samPort} and `unload`. */
  readonly id: number
  readonly name: string
  readonly note: string
  readonly backend: Choice
  /** The choice that loads it again on the next visit; undefined if it is not stored. */
  readonly again: ModelChoice | undefined
  /** Options of automatic mask generation that suit it. */
  readonly automatic: Pick<AutomaticMaskOptions, 'pointsPerSide' | 'predIouThresh' | 'stabilityScoreThresh'>
}

/** Progress of loading. `total` is 0 if unknown. */
export interface LoadStep {
  readonly doing: 'download' | 'check' | 'compile'
  readonly loaded: number
  readonly total: number
}

/** What the page does with a call in progress. */
export interface Context<Step> {
  readonly signal: AbortSignal
  readonly onStep: (step: Step) => void
}

export interface ExportJob {
  readonly pictures: readonly ExportPicture[]
  readonly format: ExportFormat
  readonly masks: MaskOptions
  /** Name of the zip, without extension. */
  readonly name: string
}

/** Calls from the page to the worker. The model itself is reached by a port: see {@link samPort}. */
export interface Calls {
  load(
    args: { model: ModelChoice; prefer: 'webgpu' | 'wasm' | undefined },
    context: Context<LoadStep>
  ): Promise<LoadedModel>
  /** Frees a model. */
  unload(args: { id: number }): Promise<void>
  /** One file, or a zip of several. Undefined if no mask has a pixel. */
  export(
    job: ExportJob,
    context: Context<{ readonly done: number; readonly total: number }>
  ): Promise<PackedFile | undefined>
  /** PNG of the objects of a picture, in one image. */
  cutOut(args: { picture: ExportPicture; masks: MaskOptions }): Promise<Blob>
  stored(): Promise<readonly StoredModel[]>
  remove(args: { key: string }): Promise<void>
  /** The URLs of what the worker has loaded. */
  resources(): readonly string[]
}
export type Call = Connection<Calls>['call']

interface SamPort {
  readonly samOf: number
  readonly port: MessagePort
}

export const isSamPort = (data: unknown): data is SamPort =>
  typeof data === 'object' && data !== null && 'samOf' in data && 'port' in data

/** A port at which the worker serves a loaded model to `connectSam`. */
export function samPort(worker: Worker, id: number): MessagePort {
  const { port1, port2 } = new MessageChannel()
  worker.postMessage({ samOf: id, port: port2 } satisfies SamPort, [port2])
  return port1
}
