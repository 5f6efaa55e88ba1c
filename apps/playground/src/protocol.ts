import type { Box, Point } from '@sam/core'
import type { Choice } from '@sam/backend-wasm'
import type { Connection } from '@sam/worker'
import type { BundledName } from './bundled-models.js'
import type { StoredModel } from './weights/weights-cache.js'

/** A line painted with a round brush, in image pixels. */
export interface Stroke {
  readonly radius: number
  readonly erase: boolean
  readonly line: readonly (readonly [number, number])[]
}

/** The prompts of one object. `from`: low-resolution logits of the mask to refine. */
export interface Prompts {
  readonly points: readonly Point[]
  readonly box?: Box | undefined
  readonly strokes: readonly Stroke[]
  /** Text prompt: a short noun phrase. */
  readonly phrase?: string | undefined
  readonly from?: Float32Array | undefined
}

/**
 * A mask to choose from. `rings`: its outline in image pixels, closed rings x, y, x, y …, filled by the even-odd rule.
 */
export interface Candidate {
  /** Predicted IoU with the ground-truth mask. */
  readonly score: number
  readonly rings: readonly Float32Array[]
  readonly logits: Float32Array
}

/** Best first. */
export type Candidates = readonly Candidate[]

/** Where a model comes from. */
export type ModelChoice =
  | { readonly kind: 'bundled'; readonly name: BundledName }
  | { readonly kind: 'file'; readonly file: File }
  /** A folder in Hugging Face layout: `model.safetensors`, or shards and their index. */
  | { readonly kind: 'folder'; readonly name: string; readonly files: readonly File[] }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'stored'; readonly key: string }

export interface LoadedModel {
  readonly name: string
  readonly note: string
  readonly backend: Choice
  /** Whether it accepts text prompts. */
  readonly supportsText: boolean
  /** The choice that loads it again on the next visit; undefined if it is not stored. */
  readonly again: ModelChoice | undefined
}

export interface NamedMask {
  readonly id: number
  readonly name: string
  readonly logits: Float32Array
  readonly score: number
}

export const exportFormats = ['png', 'coco', 'svg'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** Progress of an operation. `total` is 0 if unknown. */
export interface Step {
  readonly doing: 'download' | 'check' | 'compile'
  readonly loaded: number
  readonly total: number
}

/** What the page does with a call in progress. */
export interface Context {
  readonly signal: AbortSignal
}

/** Calls from the page to the worker. */
export interface Calls {
  load(
    args: { model: ModelChoice; prefer: 'webgpu' | 'wasm' | undefined },
    context: Context & { readonly onStep: (step: Step) => void }
  ): Promise<LoadedModel>
  /** Encodes an image; later calls use it. */
  encode(args: { bitmap: ImageBitmap }, context: Context): Promise<{ milliseconds: number }>
  /** `best`: return only the best mask, as for a preview. */
  predict(args: { prompts: Prompts; best?: boolean }, context: Context): Promise<Candidates>
  export(args: { format: ExportFormat; masks: readonly NamedMask[]; file: string }): Promise<Blob>
  stored(): Promise<readonly StoredModel[]>
  remove(args: { key: string }): Promise<void>
}
export type Call = Connection<Calls>['call']
