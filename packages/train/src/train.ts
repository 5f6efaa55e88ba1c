import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic, writeSafetensors } from '@sam/core'
import {
  InputError,
  memoryWeights,
  SamError,
  WeightsError,
  type Backend,
  type HostTensor,
  type StoredDType
} from '@sam/core/graph'
import { checkParams, readCheckpoint, saveCheckpoint, saveModel, type Checkpoint } from './checkpoint.js'
import { curves } from './curves.js'
import { checkData } from './data/check.js'
import type { Dataset } from './data/dataset.js'
import { initialParams, initialText } from './init.js'
import { openLog } from './log.js'
import { meet, type MeetingOptions } from './meeting.js'
import type { Prepare } from './prepared.js'
import type { Recipe } from './recipes.js'
import { checkTeacher, type CropTeacher } from './text/crop-prompts.js'
import { NotFinite, trainer, type StepReport, type Trainer } from './trainer.js'

export interface RunOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  readonly backend: Backend
  /**
   * Where the run lives: `checkpoint.safetensors`, `model.safetensors`, `log.jsonl`, `curves.svg`. A run that is there
   * already is gone on with.
   */
  readonly folder: string
  /** Default 1. */
  readonly seed?: number
  /** What a recipe with text prompts learns them from. */
  readonly clip?: CropTeacher | undefined
  /** How samples are made ready for a step: on this thread unless told. By `preparers`, for a GPU. */
  readonly prepare?: Prepare | undefined
  /** Params to begin with; fresh ones unless given. A text projection that they lack and the recipe needs is fresh. */
  readonly weights?: Readonly<Record<string, HostTensor>>
  /** How the model's numbers are stored; `F16` unless told. The checkpoint is F32. */
  readonly dtype?: StoredDType
  /** Further notes for the model's file. */
  readonly notes?: Readonly<Record<string, string>>
  /** Iterations between checkpoints, and between evaluations; default 250 and 1000. */
  readonly saveEvery?: number
  readonly evaluateEvery?: number
  /**
   * Called at those iterations, at the last one, and before the first where the run begins with given weights; what it
   * gives is logged. See `heldOut`.
   */
  readonly evaluate?: (t: Trainer) => Promise<Readonly<Record<string, number>>>
  readonly onStep?: (progress: StepProgress) => void
  /** Other runs of the recipe, beside this one: `meet`. */
  readonly meeting?: MeetingOptions | undefined
  /** Stops after the iteration at hand, with a checkpoint. */
  readonly signal?: AbortSignal
}

export interface StepProgress extends StepReport {
  readonly imagesPerSecond: number
  readonly secondsLeft: number
  /** What an evaluation found, at the iterations that have one. */
  readonly evaluation?: Readonly<Record<string, number>>
}

/** Whether the run reached the recipe's end or was stopped on the way, and where its files are. */
export interface RunResult {
  readonly iteration: number
  readonly finished: boolean
  readonly model: string
}

/**
 * Trains in a folder, from where its checkpoint is to the end of the recipe or to the signal. Each file is written
 * whole or not at all; stopped and resumed, a run ends with the same bytes. On a loss that is not a number it stops,
 * keeps the batch in `not-finite.safetensors`, and throws `NotFinite`. Throws `InputError` where the folder's run is of
 * another recipe or the data has nothing to learn from, `WeightsError` where weights do not fit the recipe's model or a
 * file cannot be written (a full disk): the files before it stay.
 */
export function train(options: RunOptions): Promise<RunResult> {
  return run(options).catch((error: unknown) => {
    if (!SamError.is(error) || (error.cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOSPC') throw error
    throw new WeightsError(
      error.code,
      `${error.message}; what was saved before stays. Make room and call again to go on from the last checkpoint`,
      { cause: error }
    )
  })
}

async function run(options: RunOptions): Promise<RunResult> {
  const {
    recipe,
    data,
    backend,
    folder,
    seed = 1,
    clip,
    prepare,
    weights,
    dtype = 'F16',
    notes = {},
    saveEvery = 250,
    evaluateEvery = 1000,
    evaluate,
    onStep,
    meeting,
    signal
  } = options
  checkTeacher(recipe, clip)
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    throw new WeightsError('E_WEIGHTS_IO', `${folder}: ${cause.message}`, { cause })
  })
  const [checkpoint, model, picture] = ['checkpoint.safetensors', 'model.safetensors', 'curves.svg'].map(name =>
    join(folder, name)
  ) as [string, string, string]
  const begun = await stat(checkpoint).then(
    () => true,
    () => false
  )
  const from = begun ? await readCheckpoint(checkpoint) : { iteration: 0, seed, state: begin(recipe, seed, weights) }
  if ('recipe' in from && from.recipe !== undefined && from.recipe !== recipe.name) {
    throw new InputError(
      'E_BAD_OPTION',
      `${checkpoint} is of a run of the recipe ${from.recipe}, found ${recipe.name}; go on with its own recipe, or begin in another folder`
    )
  }
  checkParams(memoryWeights(from.state, begun ? checkpoint : 'weights to begin with'), recipe.config)
  await checkData(data, recipe.config)
  const log = await openLog(join(folder, 'log.jsonl'), entry => begun && entry.iteration <= from.iteration)
  const t = await trainer({
    recipe,
    data,
    backend,
    seed: from.seed,
    state: from.state,
    iteration: from.iteration,
    clip,
    prepare
  })

  const drawCurves = (): Promise<number> => writeFileAtomic(picture, [new TextEncoder().encode(curves(log.entries))])
  let saved = t.iteration
  const now = async (): Promise<Checkpoint> => ({
    iteration: t.iteration,
    seed: from.seed,
    recipe: recipe.name,
    config: recipe.config,
    state: await t.state.read()
  })
  const save = async (): Promise<void> => {
    const here = await now()
    await saveCheckpoint(checkpoint, here)
    await saveModel(model, here.state, {
      config: recipe.config,
      dtype,
      notes: { ...notes, recipe: recipe.name, iteration: String(t.iteration), seed: String(from.seed) }
    })
    await drawCurves()
    saved = t.iteration
  }
  const unlessAborted = (error: unknown): undefined => {
    if (!signal?.aborted) throw error
  }
  /** An evaluation that is stopped is left out: the signal must still find its checkpoint. */
  const evaluation = async (): Promise<Readonly<Record<string, number>> | undefined> =>
    evaluate?.(t).catch(unlessAborted)

  const { iterations } = recipe.schedule
  try {
    if (!begun && weights) {
      const before = await evaluation()
      if (before) await log.append({ iteration: 0, ...before })
    }
    const clock = { start: performance.now(), from: t.iteration }
    while (t.iteration < iterations && !signal?.aborted) {
      const report = await t.step()
      const isMeeting = meeting !== undefined && t.iteration % meeting.every === 0
      if (isMeeting) {
        const mean = await meet(await now(), folder, { ...meeting, signal }).catch(unlessAborted)
        // Resumed, the run comes here again from its last checkpoint, and the others' files are still there.
        if (!mean) return { iteration: saved, finished: false, model }
        t.state.put(mean)
      }
      const seconds = (performance.now() - clock.start) / 1000
      const done = t.iteration - clock.from
      const found = t.iteration % evaluateEvery === 0 || t.iteration === iterations ? await evaluation() : undefined
      await log.append({ ...report, seconds: Math.round(seconds), ...found })
      onStep?.({
        ...report,
        imagesPerSecond: (done * recipe.batch) / seconds,
        secondsLeft: ((iterations - t.iteration) * seconds) / done,
        ...(found && { evaluation: found })
      })
      if (isMeeting || t.iteration % saveEvery === 0) await save()
      else if (found) await drawCurves()
    }
    await save()
    return { iteration: t.iteration, finished: t.iteration >= iterations, model }
  } catch (error) {
    // Where even the batch cannot be written, the first error is still the one to tell.
    if (error instanceof NotFinite)
      await writeFileAtomic(join(folder, 'not-finite.safetensors'), writeSafetensors(error.feeds)).catch(() => {})
    throw error
  } finally {
    t.dispose()
  }
}

const begin = (
  { config, text }: Recipe,
  seed: number,
  weights: RunOptions['weights']
): Readonly<Record<string, HostTensor>> =>
  weights
    ? { ...(text && initialText(config, seed, text.width)), ...weights }
    : initialParams(config, seed, text?.width)
