import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic, writeSafetensors } from '@sam/core/model'
import {
  InputError,
  memoryWeights,
  SamError,
  WeightsError,
  type Backend,
  type HostTensor,
  type StoredDType
} from '@sam/core/graph'
import {
  checkConfig,
  checkParams,
  readCheckpoint,
  saveCheckpoint,
  saveModel,
  type Checkpoint
} from './checkpoint/checkpoint.js'
import { lockFolder, type FolderLock } from './checkpoint/folder-lock.js'
import type { Recipe } from './config/recipes.js'
import { checkData } from './data/check.js'
import type { Dataset } from './data/dataset.js'
import { checkFirstPrompt } from './data/first-prompt.js'
import type { LoadExample } from './data/load-example.js'
import { trainLoop, type Scores } from './loop.js'
import { initialParams, initialText } from './pretrained/init.js'
import { curves } from './report/curves.js'
import { openLog } from './report/log.js'
import { NotFinite, type StepReport } from './report/step-report.js'
import { trainer, type Trainer, type TrainingHooks } from './trainer.js'

export interface RunOptions extends TrainingHooks {
  readonly recipe: Recipe
  readonly data: Dataset
  readonly backend: Backend
  /**
   * Folder of `checkpoint.safetensors`, `model.safetensors`, `log.jsonl` and `curves.svg`. A run that it already holds
   * is resumed.
   */
  readonly folder: string
  /** A lock of the folder that the caller has. Default: the folder is locked during the run. */
  readonly lock?: FolderLock | undefined
  /** Default: 1. */
  readonly seed?: number
  /** Loads examples. Default: on this thread; for a GPU, see `dataWorkers`. */
  readonly loadExample?: LoadExample | undefined
  /** Initial params. Default: random ones. A missing text projection that the recipe needs is initialised. */
  readonly weights?: Readonly<Record<string, HostTensor>>
  /** Data type of the model's file. Default: `F16`. The checkpoint is F32. */
  readonly dtype?: StoredDType
  /** Further metadata for the model's file. */
  readonly notes?: Readonly<Record<string, string>>
  /** Iterations between checkpoints (default: 250), and between evaluations (default: 1000). */
  readonly saveEvery?: number
  readonly evaluateEvery?: number
  /**
   * Called at those iterations, at the last one, and before the first where the run starts from given weights. Its
   * scores are logged. See `heldOut`.
   */
  readonly evaluate?: (t: Trainer) => Promise<Scores>
  readonly onStep?: (progress: StepProgress) => void
  /**
   * Called after each iteration. Returns true if it changed the state, which is then saved. It may reject once the
   * signal is aborted: the run then stops at its last checkpoint.
   */
  readonly afterStep?: ((t: Trainer, checkpoint: () => Promise<Checkpoint>) => Promise<boolean>) | undefined
  /** Stops after the current iteration, with a checkpoint. */
  readonly signal?: AbortSignal
}

export interface StepProgress extends StepReport {
  readonly imagesPerSecond: number
  readonly secondsLeft: number
  /** Scores, at the iterations with an evaluation. */
  readonly evaluation?: Scores
}

/** The last iteration, whether the run reached the recipe's end, and the path of its model. */
export interface RunResult {
  readonly iteration: number
  readonly finished: boolean
  readonly model: string
}

/**
 * Trains in a folder, from its checkpoint to the end of the recipe or to the signal. Files are written
 * atomically; stopped and resumed, a run ends with the same bytes. On a loss that is not finite it stops, writes the
 * batch to `not-finite.safetensors`, and throws `NotFinite`. Throws `InputError` where the folder holds a run of
 * another recipe, model configuration or optimizer, or another process uses it, or no sample of the data is usable;
 * `WeightsError` where the weights do not fit the recipe's model or a file cannot be written (a full disk): the files
 * written before stay.
 */
export function train(options: RunOptions): Promise<RunResult> {
  return locked(options).catch((error: unknown) => {
    if (!SamError.is(error) || (error.cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOSPC') throw error
    throw new WeightsError(
      error.code,
      `${error.message}; files saved before are intact. Free disk space and call again to resume from the ` +
        'last checkpoint',
      { cause: error }
    )
  })
}

async function locked(options: RunOptions): Promise<RunResult> {
  const { folder } = options
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    throw new WeightsError('E_WEIGHTS_IO', `${folder}: ${cause.message}`, { cause })
  })
  const lock = options.lock ? undefined : await lockFolder(folder)
  try {
    return await run(options)
  } finally {
    await lock?.release()
  }
}

async function run(options: RunOptions): Promise<RunResult> {
  const {
    recipe,
    data,
    folder,
    seed: given = 1,
    weights,
    notes = {},
    dtype = 'F16',
    evaluate,
    afterStep,
    signal
  } = options
  checkFirstPrompt(recipe, options.firstPrompt)
  const file = (name: string): string => join(folder, name)
  const path = file('checkpoint.safetensors')
  const isResumed = await stat(path).then(
    () => true,
    () => false
  )
  const start: Checkpoint = isResumed
    ? await readCheckpoint(path)
    : { iteration: 0, seed: given, recipe: recipe.name, state: initialState(recipe, given, weights) }
  if (start.recipe !== undefined && start.recipe !== recipe.name)
    throw new InputError(
      'E_BAD_OPTION',
      `${path} must be resumed with its recipe ${start.recipe}, found ${recipe.name}; use that recipe, or ` +
        'another folder'
    )
  checkParams(memoryWeights(start.state, isResumed ? path : 'initial weights'), recipe.config)
  checkConfig(start, recipe.config, path)
  await checkData(data, recipe.config)
  const log = await openLog(file('log.jsonl'), entry => isResumed && entry.iteration <= start.iteration)
  const t = await trainer({ ...options, ...start, recipe })

  const checkpoint = async (): Promise<Checkpoint> => ({
    iteration: t.iteration,
    seed: start.seed,
    recipe: recipe.name,
    config: recipe.config,
    state: await t.state.read()
  })
  const drawCurves = (): Promise<number> =>
    writeFileAtomic(file('curves.svg'), [new TextEncoder().encode(curves(log.entries))])
  const save = async (): Promise<void> => {
    const now = await checkpoint()
    await saveCheckpoint(path, now)
    await saveModel(file('model.safetensors'), now.state, {
      config: recipe.config,
      dtype,
      notes: { ...notes, recipe: recipe.name, iteration: String(t.iteration), seed: String(start.seed) }
    })
    await drawCurves()
  }

  const { iterations } = recipe.schedule
  try {
    if (!isResumed && weights) {
      const before = await evaluate?.(t).catch((error: unknown) => {
        if (!signal?.aborted) throw error
      })
      if (before) await log.append({ iteration: 0, ...before })
    }
    const iteration = await trainLoop({
      trainer: t,
      iterations,
      save,
      saveEvery: options.saveEvery ?? 250,
      evaluate: evaluate && (() => evaluate(t)),
      evaluateEvery: options.evaluateEvery ?? 1000,
      afterStep: afterStep && (() => afterStep(t, checkpoint)),
      signal,
      async log(report, { seconds, secondsLeft, done, scores }) {
        await log.append({ ...report, seconds: Math.round(seconds), ...scores })
        options.onStep?.({
          ...report,
          imagesPerSecond: (done * recipe.batch) / seconds,
          secondsLeft,
          ...(scores && { evaluation: scores })
        })
        if (scores) await drawCurves()
      }
    })
    return { iteration, finished: iteration >= iterations, model: file('model.safetensors') }
  } catch (error) {
    // If the batch cannot be written either, the first error is still the one to report.
    if (error instanceof NotFinite)
      await writeFileAtomic(file('not-finite.safetensors'), writeSafetensors(error.feeds)).catch(() => {})
    throw error
  } finally {
    t.dispose()
  }
}

const initialState = (
  { config, text }: Recipe,
  seed: number,
  weights: RunOptions['weights']
): Readonly<Record<string, HostTensor>> =>
  weights
    ? { ...(text && initialText(config, seed, text.width)), ...weights }
    : initialParams(config, seed, text?.width)
