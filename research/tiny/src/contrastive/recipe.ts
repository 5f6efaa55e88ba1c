import type { ClipConfig } from '@sam/clip'
import { paperAdamW, type AdamWOptions } from '../optim/adamw.js'
import { usualMuon, type MuonOptions } from '../optim/muon.js'
import type { Schedule } from '../optim/schedule.js'
import type { CropChances } from '../text/crop-rule.js'
import { tokenizerOf, type TokenizerJson } from '../text/bpe.js'
import { anyDetail, type Detail } from '../text/phrase.js'
import { allWords } from '../text/words.js'

/** Everything that a contrastive training run is told. */
export interface ClipRecipe {
  readonly name: string
  readonly config: ClipConfig
  readonly tokenizer: TokenizerJson
  readonly schedule: Schedule
  /** Crops a step. */
  readonly batch: number
  /** The first so many of them have a phrase that is true of it and one that is not. */
  readonly phrases: number
  /** Tokens a text is padded to while training; a phrase that has more is said anew. */
  readonly tokens: number
  /** Scenes that crops are drawn from at one time, and steps before they are exchanged for the next. */
  readonly scenes: number
  readonly steps: number
  readonly detail: Detail
  /**
   * How things are cut out: closer than by the paper's rule, which is for SAM, and with less around them. A small CLIP
   * learns shapes sooner so.
   */
  readonly crop: CropChances
  /**
   * Probability that a thing is cut out by a mask that is not quite its own (`wornMask`), as those will be whose crops
   * are compared with phrases.
   */
  readonly worn: number
  readonly adamw: AdamWOptions
  /** For matrices between hidden layers; AdamW unless told. */
  readonly muon?: MuonOptions
  readonly weightDecay: number
  readonly clipNorm: number
  /**
   * The most that a cosine may be multiplied by: 100 in CLIP. With less, what belongs together must lie close to be
   * told from the rest, and does not only lie closer: a phrase can take its crop's place (Liang et al. 2022, "Mind the
   * gap", 4.2).
   */
  readonly largestScale: number
}

const tokenizer = tokenizerOf(allWords)
const vocabulary = Object.keys(tokenizer.model.vocab).length

/** A CLIP of 1.1 M parameters that learns in an hour and a half, on one core, what generated scenes show. */
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
  worn: 0.6,
  adamw: { ...paperAdamW, beta2: 0.98 },
  muon: { ...usualMuon, size: 0.4 },
  weightDecay: 0.05,
  clipNorm: 1,
  largestScale: 6
}

/**
 * The same with patches of 4 pixels, begun from what `clipTiny` has learnt (`regriddedClip`): of six places a side, the
 * edge of a star covered one or two.
 */
export const clipTinyFine: ClipRecipe = {
  ...clipTiny,
  name: 'clipTinyFine',
  config: { ...clipTiny.config, vision: { ...clipTiny.config.vision, patchSize: 4 } },
  schedule: { rate: 1e-3, warmup: 50, steps: [2_880, 3_070], iterations: 3_300 }
}

/** The recipes for CLIPs. */
export const clipRecipes: Readonly<Record<string, ClipRecipe>> = { clipTiny, clipTinyFine }
