import { configs, type SamConfig } from '@sam/core'
import type { CropChances } from '../data/crop-rule.js'
import type { PlanOptions } from '../interaction/prompts.js'
import type { LossWeights } from '../losses/mask-loss.js'
import { paperAdamW, type AdamWOptions } from '../optim/adamw.js'
import type { Schedule } from '../optim/schedule.js'

/** All settings of a training run. Plain data: it is stored with the run. */
export interface Recipe {
  readonly name: string
  readonly config: SamConfig
  readonly schedule: Schedule
  /** Images per optimizer step. */
  readonly batch: number
  /** Images per forward and backward pass; gradients accumulate up to `batch`. */
  readonly microBatch: number
  /** Masks per image, sampled from all that it has. */
  readonly objects: number
  readonly plan: PlanOptions
  /** Interaction steps trained on per object: always the first, the others sampled. The paper trains on all. */
  readonly trainedRounds: number
  /** Probability of ending the simulated interaction after each step that may be the last. 0 in the paper. */
  readonly stopEarly: number
  readonly adamw: AdamWOptions
  readonly weightDecay: number
  readonly layerDecay: number
  readonly dropPath: number
  readonly dropout: number
  /**
   * Limit of the global gradient norm. Neither the paper nor ViTDet, whose settings it follows, has one: a large value.
   */
  readonly clipNorm: number
  /**
   * Range of the random scale of an image before it is cropped or padded. Default: no scaling, as in the main recipe.
   */
  readonly jitter?: readonly [number, number]
  /** Whether the image encoder is frozen. */
  readonly frozenEncoder: boolean
  /** Whether a run starts from a given model and takes its configuration. */
  readonly fromModel?: true
  /** Weights of focal loss, dice loss and the predicted-IoU error. Default: the paper's. */
  readonly losses?: LossWeights
  readonly text?: TextRecipe
}

/** How text prompts are trained. Paper: D.5. */
export interface TextRecipe {
  /** Dimensions of the CLIP embedding. */
  readonly width: number
  /** Probability that an object's first prompt is the embedding of its crop. */
  readonly share: number
  /** How crops are cut. Default: the paper's rule. */
  readonly crop?: CropChances
}

const paperPlan: PlanOptions = { clicks: 8, maskRounds: true }

/** Paper: Appendix A, "Training recipe". One image per forward pass; raise `microBatch` as memory allows. */
export const vitH: Recipe = {
  name: 'vitH',
  config: configs.vit_h,
  schedule: { rate: 8e-4, warmup: 250, steps: [60_000, 86_666], iterations: 90_000 },
  batch: 256,
  microBatch: 1,
  objects: 64,
  plan: paperPlan,
  trainedRounds: 11,
  stopEarly: 0,
  adamw: paperAdamW,
  weightDecay: 0.1,
  layerDecay: 0.8,
  dropPath: 0.4,
  dropout: 0.1,
  clipNorm: 1e9,
  frozenEncoder: false
}

const longer = { steps: [120_000, 173_333], iterations: 180_000, warmup: 250 } as const

/** The paper's settings for ViT-L: 180k iterations of 128 images, rate 4e-4, layer decay 0.8, drop path 0.4. */
export const vitL: Recipe = {
  ...vitH,
  name: 'vitL',
  config: configs.vit_l,
  batch: 128,
  schedule: { rate: 4e-4, ...longer }
}

/** The paper's settings for ViT-B: 180k iterations of 128 images, rate 8e-4, layer decay 0.6, drop path 0.6. */
export const vitB: Recipe = {
  ...vitH,
  name: 'vitB',
  config: configs.vit_b,
  batch: 128,
  layerDecay: 0.6,
  dropPath: 0.6,
  schedule: { rate: 8e-4, ...longer }
}

/**
 * Fine-tuning on a few dozen images: only prompt encoder and mask decoder are trained, on image embeddings that are
 * computed once. The configuration is that of the initial model.
 */
export const finetuneDecoder: Recipe = {
  name: 'finetuneDecoder',
  config: configs.tiny,
  schedule: { rate: 1e-4, warmup: 20, steps: [], iterations: 300 },
  batch: 4,
  microBatch: 4,
  objects: 6,
  plan: paperPlan,
  trainedRounds: 2,
  stopEarly: 0.4,
  adamw: { ...paperAdamW, beta2: 0.98 },
  weightDecay: 0.05,
  layerDecay: 1,
  dropPath: 0,
  dropout: 0,
  clipNorm: 1,
  frozenEncoder: true,
  fromModel: true
}

/**
 * Text to mask: trained without text, on the CLIP embedding of each object's crop as the first prompt. Paper: D.5, with
 * the 768 dimensions of ViT-L/14@336. The paper does not give the rate drops of the 120k iterations: here they are at
 * the same fractions of the run as in its main recipe.
 */
export const text: Recipe = {
  ...vitH,
  name: 'text',
  schedule: { rate: 8e-4, warmup: 250, steps: [80_000, 115_555], iterations: 120_000 },
  batch: 128,
  jitter: [0.1, 2],
  text: { width: 768, share: 1 }
}

export const recipes: Readonly<Record<string, Recipe>> = { vitH, vitL, vitB, finetuneDecoder, text }
