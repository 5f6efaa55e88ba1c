/**
 * The embedded model: a SAM small enough to ship in a package, so that trying it needs no download.
 * @packageDocumentation
 */
import { configs, type AutomaticMaskOptions, type SamConfig } from '@sam/core'

export interface TinyModel {
  /** The checkpoint file: what `loadSam` and `openWeights` take as `weights`, in Node and in browsers. */
  readonly weights: URL
  /** Its configuration, which the file's metadata repeats. */
  readonly config: SamConfig
  readonly clip: TinyClip
  /** Options of automatic mask generation: a small model's masks do not reach Meta's thresholds. */
  readonly automatic: Pick<AutomaticMaskOptions, 'pointsPerSide' | 'predIouThresh' | 'stabilityScoreThresh'>
  /** A short description for users. */
  readonly description: string
}

/**
 * The CLIP of the embedded model's text prompts, as options of `loadClip` of `@sam/clip`: `loadClip({
 * ...tinyModel().clip, backend })`.
 */
export interface TinyClip {
  /** Three files of a folder in Hugging Face's layout, as separate URLs: bundlers rename each. */
  readonly model: Readonly<Record<'config' | 'tokenizer' | 'weights', URL>>
  /** Tight crops of the object alone: this small CLIP does not generalise over backgrounds. */
  readonly crop: { readonly grow: number; readonly zeroOutside: boolean }
  /** Phrases that a query's phrase competes with: every kind and every colour of its training. */
  readonly background: readonly string[]
  /**
   * The score, with that background, from which an object counts as found: the point of equal false negative and false
   * positive rates.
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
  description: 'tiny: 1.6 M parameters, trained on generated scenes; for real photos load a public checkpoint'
})
