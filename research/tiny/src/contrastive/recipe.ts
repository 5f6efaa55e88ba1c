import type { ClipConfig } from '@sam/clip'
import { type AdamWOptions, type CropChances, paperAdamW, type Schedule } from '@sam/train/toolkit'
import { usualMuon, type MuonOptions } from '../optim/muon.js'
import { tokenizerOf, type TokenizerJson } from '../text/bpe.js'
import { anyDetail, type Detail } from '../text/phrase.js'
import { allWords } from '../text/words.js'

/** All settings of a contrastive training run. */
export interface ClipRecipe {
  readonly name: string
  readonly config: ClipConfig
  readonly tokenizer: TokenizerJson
  readonly schedule: Schedule
  /** Crops per step. */
  readonly batch: number
  /** Number of crops with a caption and a hard-negative caption: the first ones of the batch. */
  readonly phrases: number
  /** Tokens a text is padded to in training; a longer phrase is sampled again. */
  readonly tokens: number
  /** Scenes that crops are sampled from, and steps until others replace them. */
  readonly scenes: number
  readonly steps: number
  readonly detail: Detail
  /**
   * How objects are cropped: tighter than by the paper's rule, which is for SAM, and with less background. A small CLIP
   * learns shapes faster from these.
   */
  readonly crop: CropChances
  /**
   * Probability that an object is cropped by a perturbed mask (`perturbMask`), because queries crop by predicted masks.
   */
  readonly perturb: number
  readonly adamw: AdamWOptions
  /** Muon for matrices between hidden layers. Default: AdamW. */
  readonly muon?: MuonOptions
  readonly weightDecay: number
  readonly clipNorm: number
  /**
   * Limit of the logit scale: 100 in CLIP. With a smaller one, matching pairs must be close, not only closer than
   * others, so that a phrase can replace its crop (Liang et al. 2022, "Mind the gap", 4.2).
   */
  readonly largestScale: number
}

const tokenizer = tokenizerOf(allWords)
const vocabulary = Object.keys(tokenizer.model.vocab).length

/** A CLIP of 1.1 M parameters for generated scenes. An hour and a half on one core. */
export const clipTiny: ClipRecipe = {
  name: 'clipTiny',
  config: {
    text: { width: 128, depth: 2, heads: 4, mlpWidth: 512, vocabulary, context: 24, end: vocabulary - 1 },
    vision: { width: 128, depth: 3, heads: 4, mlpWidth: 512, imageSize: 48, patchSize: 8 },
    projection: 64,
    activation: 'quick_gelu',
    eps: 1e-5
  },
  tokenizer,
  schedule: { rate: 1e-3, warmup: 100, steps: [11_000, 11_900], iterations: 12_400 },
  batch: 128,
  phrases: 32,
  tokens: 16,
  scenes: 64,
  steps: 6,
  detail: anyDetail,
  crop: { grow: [1, 1.4], zeroOutside: 0.85 },
  perturb: 0.6,
  adamw: { ...paperAdamW, beta2: 0.98 },
  muon: { ...usualMuon, size: 0.4 },
  weightDecay: 0.05,
  clipNorm: 1,
  largestScale: 6
}

/**
 * The same with patches of 4 pixels, initialised from `clipTiny` by `resampleClip`. At six positions per side, the edge
 * of a star covered one or two.
 */
export const clipTinyFine: ClipRecipe = {
  ...clipTiny,
  name: 'clipTinyFine',
  config: { ...clipTiny.config, vision: { ...clipTiny.config.vision, patchSize: 4 } },
  schedule: { rate: 1e-3, warmup: 50, steps: [2_880, 3_070], iterations: 3_300 }
}

/** The CLIP recipes, by name. */
export const clipRecipes: Readonly<Record<string, ClipRecipe>> = { clipTiny, clipTinyFine }
