import { configs } from '@sam/core'
import type { Recipe } from '../src/config/recipes.js'
import { paperAdamW } from '../src/optim/adamw.js'

/** A run of seconds: a model of two blocks on images of 64 pixels, one image per step, all of it trained. */
export const testRun: Recipe = {
  name: 'testRun',
  config: {
    ...configs['tiny-test'],
    imageSize: 64,
    imageEncoder: { patchSize: 16, width: 16, depth: 2, heads: 2, mlpRatio: 2, window: 3, globalBlocks: [1] },
    width: 16,
    decoder: { depth: 2, heads: 2, mlpWidth: 16, iouHiddenWidth: 16, multimaskOutputs: 3 }
  },
  schedule: { rate: 1e-3, warmup: 2, steps: [], iterations: 4 },
  batch: 1,
  microBatch: 1,
  objects: 2,
  plan: { clicks: 1, maskRounds: false },
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
