/**
 * The embedded model: a SAM small enough to lie inside a package, so that nothing is downloaded to try things.
 * @packageDocumentation
 */
import { tinyTest, type SamConfig } from '@sam/core'

export interface TinyModel {
  /** The checkpoint file: what `loadSam` and `openWeights` take as `weights`, in Node and in browsers. */
  readonly weights: URL
  /** Its numbers, which the file's own metadata repeats. */
  readonly config: SamConfig
  /** What to tell a person about it, in a few words. */
  readonly description: string
}

/** The embedded model. Until a trained one is here it is random: its masks are real computations about nothing. */
export const tinyModel = (): TinyModel => ({
  weights: new URL('../model/sam-tiny.safetensors', import.meta.url),
  config: tinyTest,
  description: 'tiny and random (not trained yet): its masks mean nothing'
})
