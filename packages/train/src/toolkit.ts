/**
 * `@sam/train/toolkit`: the parts of `@sam/train`, for research that trains another model or another recipe with them.
 * Less stable than the package's main entry.
 * @packageDocumentation
 */
export { trainLoop, type LoopTrainer } from './loop.js'
export { trainer, type Trainer, type TrainerOptions } from './trainer.js'
export { trainingStep } from './step.js'
export { readCheckpoint, saveCheckpoint, type Checkpoint } from './checkpoint/checkpoint.js'
export { checkMoments, stateOf, type State } from './checkpoint/state.js'
export type { TextRecipe } from './config/recipes.js'
export { isLargeEnough, sampleCropRule, type CropChances } from './data/crop-rule.js'
export type { TextPrompts } from './data/first-prompt.js'
export { fileFinder, imageName, listFiles, stemOf } from './data/image-files.js'
export { readJson } from './data/json.js'
export { labelFrames, type LabelFrame } from './data/label-frame.js'
export { maskPicture, maskValues, type MaskValues } from './data/mask-picture.js'
export { nextClick } from './eval/click-policy.js'
export { iouOf } from './eval/iou.js'
export { areaOf, boundsOf } from './interaction/plane.js'
export type { AuxiliaryLossInputs } from './losses/auxiliary.js'
export { paperWeights } from './losses/mask-loss.js'
export { paperAdamW, type AdamWOptions } from './optim/adamw.js'
export type { OptimizerFor } from './optim/optimizer.js'
export { optimizerUpdate } from './optim/optimizer-update.js'
export { learningRate, type Schedule } from './optim/schedule.js'
export { initParams, paramShapes, sinCosPositions } from './pretrained/init.js'
export { openLog } from './report/log.js'
