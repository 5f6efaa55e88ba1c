/**
 * The embedded model: a SAM small enough to lie inside a package, so that nothing is downloaded to try things.
 * @packageDocumentation
 */
import { configs, type AutomaticMaskOptions, type SamConfig } from '@sam/core'

export interface TinyModel {
  /** The checkpoint file: what `loadSam` and `openWeights` take as `weights`, in Node and in browsers. */
  readonly weights: URL
  /** Its numbers, which the file's own metadata repeats. */
  readonly config: SamConfig
  readonly clip: TinyClip
  /** Options of automatic mask generation: a small model's masks do not reach Meta's thresholds. */
  readonly automatic: Pick<AutomaticMaskOptions, 'pointsPerSide' | 'predIouThresh' | 'stabilityScoreThresh'>
  /** What to tell a person about it, in a few words. */
  readonly description: string
}

/**
 * The CLIP whose phrases the embedded model understands, as `loadClip` of `@sam/clip` is told: `loadClip({
 * ...tinyModel().clip, backend })`.
 */
export interface TinyClip {
  /** Three files of one folder in Hugging Face's layout, by themselves: bundlers give each a name of its own. */
  readonly model: Readonly<Record<'config' | 'tokenizer' | 'weights', URL>>
  /** It has seen too little to look past what is around an object. */
  readonly crop: { readonly grow: number; readonly zeroOutside: boolean }
  /** What a thing must resemble less than a phrase: every kind and every colour that it knows, each by itself. */
  readonly background: readonly string[]
  /**
   * The score, among so many, from which a thing counts as found: where as many phrases that name something are lost as
   * others are taken for something.
   */
  readonly threshold: number
}

const background = [
  'a disc',
  'an oval',
  'a block',
  'a triangle',
  'a polygon',
  'a shard',
  'a star',
  'a pebble',
  'an amoeba',
  'a crescent',
  'a ring',
  'a frame',
  'a bar',
  'a bend',
  'a cross',
  'a hook',
  'a limb',
  'the body',
  'a band',
  'a side',
  'a rim',
  'a core',
  'a spot',
  'a red thing',
  'an orange thing',
  'a yellow thing',
  'a green thing',
  'a cyan thing',
  'a blue thing',
  'a purple thing',
  'a pink thing',
  'a brown thing',
  'a black thing',
  'a gray thing',
  'a white thing'
]

/** The embedded model, trained in this repository on generated scenes. */
export const tinyModel = (): TinyModel => ({
  weights: new URL('../model/sam-tiny.safetensors', import.meta.url),
  config: configs.tiny,
  clip: {
    model: {
      config: new URL('../model/clip/config.json', import.meta.url),
      tokenizer: new URL('../model/clip/tokenizer.json', import.meta.url),
      weights: new URL('../model/clip/model.safetensors', import.meta.url)
    },
    crop: { grow: 1.2, zeroOutside: true },
    background,
    threshold: 0.22
  },
  automatic: { pointsPerSide: 16, predIouThresh: 0.5, stabilityScoreThresh: 0.7 },
  description: 'tiny: 1.6 M parameters, learnt from generated scenes; for real photos load a public checkpoint'
})
