import { appendFile, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic, writeSafetensors } from '@sam/core'
import type { Backend, HostTensor } from '@sam/core/graph'
import { readCheckpoint, saveCheckpoint, saveModel } from './checkpoint.js'
import { curves } from './curves.js'
import type { Dataset } from './data/dataset.js'
import { initialParams } from './init.js'
import type { Recipe } from './recipes.js'
import { NotFinite, trainer, type StepReport, type Trainer } from './trainer.js'

export interface RunOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  readonly backend: Backend
  /** Where the run lives: `checkpoint.safetensors`, `model.safetensors`, `log.jsonl`, `curves.svg`. A run that is there already is gone on with. */
  readonly folder: string
  /** Default 1. */
  readonly seed?: number
  /** Params to begin with; fresh ones unless given. */
  readonly weights?: Readonly<Record<string, HostTensor>>
  /** Iterations between checkpoints, and between evaluations; default 250 and 1000. */
  readonly saveEvery?: number
  readonly evaluateEvery?: number
  /** Called at those iterations; what it gives is logged. */
  readonly evaluate?: (t: Trainer) => Promise<Readonly<Record<string, number>>>
  readonly onStep?: (progress: StepReport & { readonly imagesPerSecond: number; readonly secondsLeft: number }) => void
  /** Stops after the iteration at hand, with a checkpoint. */
  readonly signal?: AbortSignal
}

/** Whether the run reached the recipe's end or was stopped on the way, and where its files are. */
export interface RunResult {
  readonly iteration: number
  readonly finished: boolean
  readonly model: string
}

/**
 * Trains in a folder, from where its checkpoint is to the end of the recipe or to the signal. Each file is written whole or not at all; stopped and
 * resumed, a run ends with the same bytes. On a loss that is not a number it stops, keeps the batch in `not-finite.safetensors`, and throws `NotFinite`.
 */
export async function train({ recipe, data, backend, folder, seed = 1, weights, saveEvery = 250, evaluateEvery = 1000, evaluate, onStep, signal }: RunOptions): Promise<RunResult> {
  await mkdir(folder, { recursive: true })
  const [checkpoint, model, log] = ['checkpoint.safetensors', 'model.safetensors', 'log.jsonl'].map(name => join(folder, name)) as [string, string, string]
  const begun = await stat(checkpoint).then(() => true, () => false)
  const from = begun ? await readCheckpoint(checkpoint) : { iteration: 0, seed, state: weights ?? initialParams(recipe.config, seed) }
  const t = await trainer({ recipe, data, backend, seed: from.seed, state: from.state, iteration: from.iteration })
  await trimLog(log, from.iteration)

  const save = async (): Promise<void> => {
    const state = await t.state.read()
    await saveCheckpoint(checkpoint, { iteration: t.iteration, seed: from.seed, state })
    await saveModel(model, state, { config: recipe.config, dtype: 'F16', notes: { recipe: recipe.name, iteration: String(t.iteration), seed: String(from.seed) } })
    await writeFileAtomic(join(folder, 'curves.svg'), [new TextEncoder().encode(curves(await readLog(log)))])
  }

  const { iterations } = recipe.schedule
  const clock = { start: performance.now(), from: t.iteration }
  try {
    while (t.iteration < iterations && !signal?.aborted) {
      const report = await t.step()
      const seconds = (performance.now() - clock.start) / 1000
      const done = t.iteration - clock.from
      const entry: Record<string, number> = { ...report, seconds: Math.round(seconds) }
      if (evaluate && t.iteration % evaluateEvery === 0) Object.assign(entry, await evaluate(t))
      await appendFile(log, JSON.stringify(entry) + '\n')
      onStep?.({ ...report, imagesPerSecond: done * recipe.batch / seconds, secondsLeft: (iterations - t.iteration) * seconds / done })
      if (t.iteration % saveEvery === 0) await save()
    }
    await save()
    return { iteration: t.iteration, finished: t.iteration >= iterations, model }
  } catch (error) {
    if (error instanceof NotFinite) await writeFileAtomic(join(folder, 'not-finite.safetensors'), writeSafetensors(error.feeds))
    throw error
  } finally {
    t.dispose()
  }
}

export type LogEntry = Readonly<Record<string, number>>

/** The lines of a log; a line that a crash cut short is passed over. */
export async function readLog(path: string): Promise<LogEntry[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.split('\n').flatMap(line => {
    try {
      return line ? [JSON.parse(line) as LogEntry] : []
    } catch {
      return []
    }
  })
}

/** Drops what was logged after the checkpoint that the run goes on from. */
async function trimLog(path: string, iteration: number): Promise<void> {
  const kept = (await readLog(path)).filter(entry => entry.iteration <= iteration)
  await writeFileAtomic(path, [new TextEncoder().encode(kept.map(entry => JSON.stringify(entry) + '\n').join(''))])
}
