import type { Box, Point } from '@sam/core'
import type { Choice } from '@sam/backend-wasm'
import type { KeptModel } from './weights/weights-cache.js'

/** A line painted with a round brush, in pixels of the picture. */
export interface Stroke {
  readonly radius: number
  readonly erase: boolean
  readonly line: readonly (readonly [number, number])[]
}

/** What the person has said about one object. `from` are the logits of the mask that is refined. */
export interface Prompts {
  readonly points: readonly Point[]
  readonly box?: Box | undefined
  readonly strokes: readonly Stroke[]
  /** A name for it, in a few words. */
  readonly phrase?: string | undefined
  readonly from?: Float32Array | undefined
}

/**
 * A mask to choose: its outline in pixels of the picture, closed rings of x, y, x, y …, to be filled by the even-odd
 * rule.
 */
export interface Candidate {
  /** The model's estimate of the IoU with the true mask. */
  readonly score: number
  readonly rings: readonly Float32Array[]
  readonly logits: Float32Array
}

/** Best first. */
export type Answer = readonly Candidate[]

/** Where a model comes from. */
export type ModelChoice =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'file'; readonly file: File }
  /** A folder as transformers.js and Hugging Face keep a model: `model.safetensors`, or parts and a list of them. */
  | { readonly kind: 'folder'; readonly name: string; readonly files: readonly File[] }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'kept'; readonly key: string }

export interface LoadedModel {
  readonly name: string
  readonly note: string
  readonly backend: Choice
  /** Whether it finds what a phrase names. */
  readonly takesWords: boolean
  /** What to give as choice to get it again on the next visit. */
  readonly again: ModelChoice | undefined
}

export interface NamedMask {
  readonly name: string
  readonly color: string
  readonly logits: Float32Array
  readonly score: number
}

export const exportFormats = ['png', 'coco', 'svg'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** How far something is. `total` is 0 while unknown. */
export interface Step {
  readonly doing: 'download' | 'check' | 'compile'
  readonly loaded: number
  readonly total: number
}

/** What the page asks of the worker. */
export interface Calls {
  load: { args: { model: ModelChoice; prefer: 'webgpu' | 'wasm' | undefined }; result: LoadedModel }
  /** Makes this the picture that is asked about. */
  picture: { args: { bitmap: ImageBitmap }; result: { milliseconds: number } }
  /** With `best`, the best mask alone: what a preview shows. */
  predict: { args: { prompts: Prompts; best?: boolean }; result: Answer }
  export: { args: { format: ExportFormat; masks: readonly NamedMask[]; file: string }; result: Blob }
  kept: { args: Record<never, never>; result: readonly KeptModel[] }
  forget: { args: { key: string }; result: void }
}
export type CallName = keyof Calls

export type ToWorker =
  | { readonly id: number; readonly cancel: true }
  | { [C in CallName]: { readonly id: number; readonly call: C; readonly args: Calls[C]['args'] } }[CallName]

export type FromWorker =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly step: Step }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } }
