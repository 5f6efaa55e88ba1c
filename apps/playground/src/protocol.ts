import type { AutomaticMaskOptions } from '@sam/core'
import type { Choice } from '@sam/backend-wasm'
import type { BundledName } from './bundled-models.js'

/** Where a model comes from. */
export type ModelChoice =
  | { readonly kind: 'bundled'; readonly name: BundledName }
  | { readonly kind: 'file'; readonly file: File }
  /** A folder in Hugging Face layout: `model.safetensors`, or shards and their index. */
  | { readonly kind: 'folder'; readonly name: string; readonly files: readonly File[] }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'stored'; readonly key: string }

/** `undefined`: WebGPU if there is an adapter, else wasm. */
export type Prefer = 'webgpu' | 'wasm' | undefined

/** What the worker says of a model that it has loaded. */
export interface LoadedModel {
  readonly name: string
  readonly note: string
  readonly backend: Choice
  /** The choice that loads it again on the next visit; undefined if it is not stored. */
  readonly again: ModelChoice | undefined
  /** Options of automatic mask generation that suit it and the backend. */
  readonly automatic: Pick<AutomaticMaskOptions, 'pointsPerSide' | 'predIouThresh' | 'stabilityScoreThresh'>
  /** The URLs of what the worker has loaded. */
  readonly resources: readonly string[]
}

/** Progress of loading a model. `total` is 0 if unknown. */
export interface Step {
  readonly doing: 'download' | 'check' | 'compile'
  readonly loaded: number
  readonly total: number
}

/** What the page gives to the worker, which serves one model. */
export interface LoadRequest {
  readonly model: ModelChoice
  readonly prefer: Prefer
  readonly onStep: (step: Step) => void
  readonly onLoaded: (model: LoadedModel) => void
}
