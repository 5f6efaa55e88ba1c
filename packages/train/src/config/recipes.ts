import {
  tiny as configTiny,
  tinyTest,
  vitB as configB,
  vitH as configH,
  vitL as configL,
  type SamConfig
} from '@sam/core'
import type { PlanOptions } from './interactive.js'
import { paperWeights, type LossWeights } from './losses/mask-loss.js'
import { paperAdamW, type AdamWOptions } from './optim/adamw.js'
import { usualMuon, type MuonOptions } from './optim/muon.js'
import type { Schedule } from './optim/schedule.js'
import type { CropChances } from './text/crop-rule.js'

/** Everything that a training run is told, on one page. */
export interface Recipe {
  readonly name: string
  readonly config: SamConfig
  readonly schedule: Schedule
  /** Images a step of the optimiser, and how many of them are computed at once. */
  readonly batch: number
  readonly microBatch: number
  /** Masks an image, chosen at random among all that it has. */
  readonly objects: number
  readonly plan: PlanOptions
  /** Of each object's rounds, how many are trained on: the first always, the others by chance. All, in the paper. */
  readonly trainedRounds: number
  /** Probability to stop the rounds of a step early, after each that could be the last. 0 in the paper. */
  readonly stopEarly: number
  readonly adamw: AdamWOptions
  /** For matrices between hidden layers; AdamW, as in the paper, unless told. */
  readonly muon?: MuonOptions
  readonly weightDecay: number
  readonly layerDecay: number
  readonly dropPath: number
  readonly dropout: number
  /**
   * Limit of the gradients' common norm. The paper names none; ViTDet, whose settings it follows, clips nothing: a
   * large number.
   */
  readonly clipNorm: number
  /** Range by which an image is scaled at random before it is cropped or padded; none in the paper's main recipe. */
  readonly jitter?: readonly [number, number]
  /** Whether the image encoder stays as it is. */
  readonly frozenEncoder: boolean
  /** Whether a run begins with a given model and takes its configuration. */
  readonly fromModel?: true
  /** What focal loss, dice loss and the error of predicted IoU count; as in the paper unless told. */
  readonly losses?: LossWeights
  /** What each object's own token counts beside the paper's losses (`ownToken`); nothing unless told. */
  readonly cohesion?: number
  readonly text?: TextRecipe
}

/** How text prompts are learnt. */
export interface TextRecipe {
  /** Numbers of CLIP's embeddings. */
  readonly width: number
  /** Probability that an object's first prompt is the embedding of its crop. */
  readonly share: number
  /** How crops are cut; as in the paper unless told. */
  readonly crop?: CropChances
  /** Probability that a crop is without something that lies on its object (`bareMask`); 0 unless told. */
  readonly bare?: number
  /** How far an embedding is moved at most, as a part of its length (`moved`); not at all unless told. */
  readonly noise?: number
  /**
   * Probability that a text is of another image, for predicted IoU to learn what is not there (`withAbsent`); 0 unless
   * told.
   */
  readonly absent?: number
  /** What `groundingLoss` and `matchingLoss` count beside the paper's losses; nothing unless told. */
  readonly grounding?: number
}

const paperPlan: PlanOptions = { clicks: 8, maskRounds: true }

/** Paper: Appendix A, "Training recipe". One image at a time here: the batch is as large as the machine allows. */
export const vitH: Recipe = {
  name: 'vitH',
  config: configH,
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
export const vitL: Recipe = { ...vitH, name: 'vitL', config: configL, batch: 128, schedule: { rate: 4e-4, ...longer } }

/** The paper's settings for ViT-B: 180k iterations of 128 images, rate 8e-4, layer decay 0.6, drop path 0.6. */
export const vitB: Recipe = {
  ...vitH,
  name: 'vitB',
  config: configB,
  batch: 128,
  layerDecay: 0.6,
  dropPath: 0.6,
  schedule: { rate: 8e-4, ...longer }
}

/** The tiny model with patches of 16 pixels. */
const coarse: SamConfig = {
  ...configTiny,
  name: 'tiny-coarse',
  imageEncoder: { ...configTiny.imageEncoder, patchSize: 16 }
}

/**
 * The first leg of the tiny model: a quarter of the places that it has in the end. Small steps, and many: two rounds an
 * object of a plan that is often cut short. Endless data needs no regularisation, so nothing is dropped and all layers
 * learn at one rate. Within the first fifty steps all masks become empty, the cheapest answer to all prompts; after
 * some 400 the model begins to tell places apart. The gradients of that first fall are twenty times those that follow,
 * hence the short memory of their squares (β₂).
 */
export const tiny: Recipe = {
  name: 'tiny',
  config: coarse,
  schedule: { rate: 1.5e-3, warmup: 250, steps: [4_300, 5_300], iterations: 5_600 },
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
  frozenEncoder: false
}

/**
 * The second: the finer grid of the tiny model itself, begun from what `tiny` has learnt (`regridded`). Of 16 places a
 * side, a part of a thing covered two or three.
 */
export const tinyFine: Recipe = {
  ...tiny,
  name: 'tinyFine',
  config: configTiny,
  schedule: { rate: 7e-4, warmup: 30, steps: [], iterations: 200 },
  batch: 2,
  microBatch: 2,
  objects: 8,
  stopEarly: 0.6,
  muon: usualMuon
}

/** Some dozens of images of one's own: only prompt encoder and decoder learn, from embeddings computed once. */
export const finetuneDecoder: Recipe = {
  ...tiny,
  name: 'finetuneDecoder',
  schedule: { rate: 1e-4, warmup: 20, steps: [], iterations: 300 },
  frozenEncoder: true,
  fromModel: true
}

/**
 * Text to mask: no text in training, but CLIP's embedding of each object's crop, given first. Paper: D.5, with
 * ViT-L/14@336's 768 numbers. Where the rate falls in so many iterations is not told: here at the same parts of the
 * run.
 */
export const text: Recipe = {
  ...vitH,
  name: 'text',
  schedule: { rate: 8e-4, warmup: 250, steps: [80_000, 115_555], iterations: 120_000 },
  batch: 128,
  jitter: [0.1, 2],
  text: { width: 768, share: 1 }
}

/** Crops of nothing but the object: what a small CLIP tells apart best. */
const cleanCrop: CropChances = { grow: [1, 1.4], zeroOutside: 1 }

/**
 * How tiny models learn text: from crops often without what lies on their object, by embeddings moved about as far as a
 * phrase's lies from its crop's, and with some that are of nothing in the image.
 */
const tinyCrops = { width: 64, crop: cleanCrop, bare: 0.6, noise: 1.2, absent: 0.2 } as const

/**
 * A trained tiny model learns what embeddings mean: mostly text, first prompts alone, many objects at once. Without the
 * grounding loss it never did: after 13,000 text prompts its masks were as good for one embedding as for another.
 * Predicted IoU counts more than in the paper: it chooses among three masks, and tells what is not there, and between
 * the gradients of so few prompts it was learnt last. It forgets how clicks are followed, and is reminded by
 * `tinyText`.
 */
export const tinyGrounding: Recipe = {
  ...tinyFine,
  name: 'tinyGrounding',
  schedule: { rate: 8e-4, warmup: 30, steps: [], iterations: 5_600 },
  objects: 10,
  plan: { clicks: 0, maskRounds: false },
  trainedRounds: 1,
  stopEarly: 1,
  fromModel: true,
  losses: { ...paperWeights, iou: 5 },
  cohesion: 1,
  text: { ...tinyCrops, share: 0.7, grounding: 2 }
}

/** The whole rounds again, text prompts beside clicks and boxes. */
export const tinyText: Recipe = {
  ...tinyGrounding,
  name: 'tinyText',
  schedule: { rate: 6e-4, warmup: 20, steps: [286, 396], iterations: 440 },
  objects: 6,
  plan: paperPlan,
  trainedRounds: 2,
  stopEarly: 0.5,
  text: { ...tinyCrops, share: 0.6, grounding: 1 }
}

/** A run of seconds, for tests: a model of two blocks on images of 64 pixels, one image a step. */
export const testRun: Recipe = {
  ...tiny,
  name: 'testRun',
  config: {
    ...tinyTest,
    imageSize: 64,
    imageEncoder: { patchSize: 16, width: 16, depth: 2, heads: 2, mlpRatio: 2, window: 3, globalBlocks: [1] },
    width: 16,
    decoder: { depth: 2, heads: 2, mlpWidth: 16, iouHiddenWidth: 16, multimaskOutputs: 3 }
  },
  schedule: { rate: 1e-3, warmup: 2, steps: [], iterations: 4 },
  batch: 1,
  microBatch: 1,
  objects: 2,
  plan: { clicks: 1, maskRounds: false }
}

export const recipes: Readonly<Record<string, Recipe>> = {
  vitH,
  vitL,
  vitB,
  tiny,
  tinyFine,
  finetuneDecoder,
  text,
  tinyGrounding,
  tinyText
}
