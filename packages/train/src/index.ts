/**
 * `@sam/train`: training as the paper's Appendix A has it, on any backend.
 * @packageDocumentation
 */
export { train, type RunOptions, type RunResult, type StepProgress } from './run.js'
export { readLog, type LogEntry } from './log.js'
export { heldOut, type HeldOutOptions, type HeldOutScores } from './held-out.js'
export { NotFinite, trainer, type StepReport, type Trainer, type TrainerOptions } from './trainer.js'
export {
  finetuneDecoder,
  recipes,
  text,
  tiny,
  tinyFine,
  tinyGrounding,
  tinyText,
  vitB,
  vitH,
  vitL,
  type Recipe,
  type TextRecipe
} from './recipes.js'
export { withIterations, withOverrides } from './overrides.js'
export {
  modelOf,
  readCheckpoint,
  readParams,
  saveCheckpoint,
  saveModel,
  type Checkpoint,
  type ModelOptions
} from './checkpoint.js'
export { initialParams, paramShapes } from './init.js'
export { fromMae, type MaeOptions } from './mae/from-mae.js'
export { evaluate, type EvaluateOptions } from './eval/evaluate.js'
export type { Evaluation, Score } from './eval/summary.js'
export { evaluateText, type TextEvaluation, type TextEvaluationOptions, type TextScores } from './eval/text.js'
export { textTable } from './eval/text-table.js'
export { namedBy, namingNone, namingOne } from './text/naming.js'
export { clickCurve } from './eval/curve.js'
export { sheet, type SheetOptions } from './sheet.js'
export { preparation, type PreparationOptions, type Prepare, type Prepared, type Unfit } from './prepared.js'
export { answerPreparing, preparers, type Preparers } from './preparers.js'
export type { Dataset, Sample, Truth } from './data/dataset.js'
export { views, type ViewsOptions } from './data/views.js'
export { scenes, type SceneOptions } from './data/scenes/scene.js'
export { sa1b } from './data/sa1b.js'
export { coco, type CocoOptions } from './data/coco.js'
export { imageFolder } from './data/image-folder.js'
export { part } from './data/part.js'
export { checkData } from './data/check.js'
export { answerGraph, embedGraph, forwardGraph, stepGraph, type StepOptions, type StepShape } from './step.js'
export {
  firstPrompt,
  nextPrompt,
  plan,
  type Answer,
  type NextPrompt,
  type PlanOptions,
  type Round
} from './interactive.js'
export { focalLoss } from './losses/focal.js'
export { diceLoss } from './losses/dice.js'
export { groundingLoss, matchingLoss, type GroundingInputs } from './losses/grounding.js'
export { iouLoss, trueIou } from './losses/iou.js'
export { maskLoss, paperWeights, type LossWeights, type MaskLoss, type MaskLossInputs } from './losses/mask-loss.js'
export { adamw, paperAdamW, type AdamWOptions, type AdamWState, type AdamWStep } from './optim/adamw.js'
export { type MeetingOptions } from './meeting.js'
export { clipFactor, globalNorm } from './optim/clip-norm.js'
export { isHidden, paramRule, type GroupOptions, type ParamRule } from './optim/groups.js'
export { muon, orthogonal, usualMuon, type MuonOptions, type MuonState, type MuonStep } from './optim/muon.js'
export { learningRate, type Schedule } from './optim/schedule.js'
export { random, type Random } from './random.js'
export { isFiner, regridded } from './regrid.js'
export { captionOf, type Description } from './data/scenes/description.js'
export { singleWords } from './text/single-words.js'
export {
  anyDetail,
  describes,
  names,
  phraseFor,
  seenIn,
  sentence,
  type Detail,
  type Phrase,
  type Seen
} from './text/phrase.js'
export { allWords, heldOutPairs, isHeldOut } from './text/words.js'
export { tokenizerOf, type TokenizerJson } from './text/bpe.js'
export { carried, type CropPairs } from './text/carry.js'
export { anyCrop, isNameable, paperCrop, type CropChances } from './text/crop-rule.js'
export type { CropTeacher } from './text/crop-prompts.js'
export { regriddedClip } from './contrastive/regrid.js'
export { clipRecipes, clipTiny, clipTinyFine, type ClipRecipe } from './contrastive/recipe.js'
export { saveClip, trainClip, type ClipRunOptions, type ClipStepReport } from './contrastive/run.js'
