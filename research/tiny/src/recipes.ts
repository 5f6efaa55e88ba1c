import { configs, type SamConfig } from '@sam/core'
import { vitH, type Recipe } from '@sam/train'
import { paperAdamW, paperWeights, type CropChances, type TextRecipe } from '@sam/train/toolkit'
import { usualMuon, type MuonOptions } from './optim/muon.js'

/** A recipe with settings beyond the paper's. Plain data; `hooks` turns it into code. */
export interface TinyRecipe extends Recipe {
  /** Muon for matrices between hidden layers. Default: AdamW. */
  readonly muon?: MuonOptions
  /** Weight of the prototype loss. Default: 0. */
  readonly prototype?: number
  readonly text?: TinyTextRecipe
}

export interface TinyTextRecipe extends TextRecipe {
  /** Probability that each mask on top of an object is erased from its crop (`eraseParts`). Default: 0. */
  readonly erase?: number
  /** Largest noise on an embedding, as a multiple of its length (`addEmbeddingNoise`). Default: 0. */
  readonly noise?: number
  /** Probability that a text prompt is replaced by a negative (`addNegativePrompts`). Default: 0. */
  readonly negatives?: number
  /** Weight of `groundingLoss` and `matchingLoss`. Default: 0. */
  readonly grounding?: number
}

/** The tiny model with patches of 16 pixels. */
const coarse: SamConfig = {
  ...configs.tiny,
  name: 'tiny-coarse',
  imageEncoder: { ...configs.tiny.imageEncoder, patchSize: 16 }
}

/**
 * The first stage: patches of 16 pixels, a quarter of the final number. Many small steps, each trained on two
 * interaction steps per object. Generated data is endless, so there is no dropout, and all layers have one rate. In the
 * first fifty iterations all masks collapse to empty ones; after some 400 the model starts to distinguish positions.
 * Gradients are twenty times larger in that phase, hence the small β₂.
 */
export const tiny: TinyRecipe = {
  name: 'tiny',
  config: coarse,
  schedule: { rate: 1.5e-3, warmup: 250, steps: [4_300, 5_300], iterations: 5_600 },
  batch: 4,
  microBatch: 4,
  objects: 6,
  plan: vitH.plan,
  trainedRounds: 2,
  stopEarly: 0.4,
  adamw: { ...paperAdamW, beta2: 0.98 },
  weightDecay: 0.05,
  layerDecay: 1,
  dropPath: 0,
  dropout: 0,
  clipNorm: 1,
  frozenEncoder: false
}

/**
 * The second stage: patches of 8 pixels, initialised from `tiny` by `resampleSam`. At 16 positions per side, a part of
 * an object covered two or three.
 */
export const tinyFine: TinyRecipe = {
  ...tiny,
  name: 'tinyFine',
  config: configs.tiny,
  schedule: { rate: 7e-4, warmup: 30, steps: [], iterations: 200 },
  batch: 2,
  microBatch: 2,
  objects: 8,
  stopEarly: 0.6,
  muon: usualMuon
}

/** Tight crops of the object alone, which a small CLIP recognises best. */
const cleanCrop: CropChances = { grow: [1, 1.4], zeroOutside: 1 }

/** How the tiny model learns text: from crops with parts erased, noisy embeddings, and some negatives. */
const tinyCrops = { width: 64, crop: cleanCrop, erase: 0.6, noise: 1.2, negatives: 0.2 } as const

/**
 * The third stage: text, mostly as first prompts alone, with many objects per image. Without the grounding loss the
 * model did not learn text: after 13,000 text prompts all embeddings gave the same masks. The predicted IoU has a
 * larger weight than in the paper, because it ranks the masks and detects absent objects, and was otherwise learnt
 * last. Accuracy on clicks drops in this stage; `tinyText` recovers it.
 */
export const tinyGrounding: TinyRecipe = {
  ...tinyFine,
  name: 'tinyGrounding',
  schedule: { rate: 8e-4, warmup: 30, steps: [], iterations: 5_600 },
  objects: 10,
  plan: { clicks: 0, maskRounds: false },
  trainedRounds: 1,
  stopEarly: 1,
  fromModel: true,
  losses: { ...paperWeights, iou: 5 },
  prototype: 1,
  text: { ...tinyCrops, share: 0.7, grounding: 2 }
}

/** The last stage: the paper's whole interaction again, with text prompts beside clicks and boxes. */
export const tinyText: TinyRecipe = {
  ...tinyGrounding,
  name: 'tinyText',
  schedule: { rate: 6e-4, warmup: 20, steps: [286, 396], iterations: 440 },
  objects: 6,
  plan: tiny.plan,
  trainedRounds: 2,
  stopEarly: 0.5,
  text: { ...tinyCrops, share: 0.6, grounding: 1 }
}

/** The SAM recipes of this workspace, by name. */
export const recipes: Readonly<Record<string, TinyRecipe>> = { tiny, tinyFine, tinyGrounding, tinyText }
