/**
 * The embedded model: a SAM small enough to lie inside a package, so that nothing is downloaded to try things.
 * @packageDocumentation
 */
import { tiny, type SamConfig } from '@sam/core'

export interface TinyModel {
  /** The checkpoint file: what `loadSam` and `openWeights` take as `weights`, in Node and in browsers. */
  readonly weights: URL
  /** Its numbers, which the file's own metadata repeats. */
  readonly config: SamConfig
  /** The CLIP whose phrases it understands, in Hugging Face's layout: three files of one folder. */
  readonly clip: Readonly<Record<'config' | 'tokenizer' | 'weights', URL>>
  /** What to tell a person about it, in a few words. */
  readonly description: string
}

/** The embedded model, trained in this repository on generated scenes. */
export const tinyModel = (): TinyModel => ({
  weights: new URL('../model/sam-tiny.safetensors', import.meta.url),
  config: tiny,
  clip: {
    config: new URL('../model/clip/config.json', import.meta.url),
    tokenizer: new URL('../model/clip/tokenizer.json', import.meta.url),
    weights: new URL('../model/clip/model.safetensors', import.meta.url)
  },
  description: 'tiny: 1.6 M parameters, learnt from generated scenes; for real photos load a public checkpoint'
})
