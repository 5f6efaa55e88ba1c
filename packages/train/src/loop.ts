/** Training of any model, for `trainLoop`. */
export interface LoopTrainer<Report> {
  /** Iterations done. */
  readonly iteration: number
  /** One iteration of the optimizer. */
  trainStep(): Promise<Report>
}

export interface LoopOptions<Report> {
  readonly trainer: LoopTrainer<Report>
  /** Length of the run. */
  readonly iterations: number
  /** Writes a checkpoint: every `saveEvery` iterations and at the end. */
  readonly save: () => Promise<void>
  readonly saveEvery: number
  /** Evaluates every `evaluateEvery` iterations and after the last. */
  readonly evaluate?: (() => Promise<Scores | undefined>) | undefined
  readonly evaluateEvery?: number
  /** Runs after each iteration; true where it changed the weights, which are then saved. */
  readonly afterStep?: (() => Promise<boolean>) | undefined
  /** Logs an iteration. */
  readonly log: (report: Report, progress: LoopProgress) => Promise<void>
  /** Stops after the current iteration, with a checkpoint. */
  readonly signal?: AbortSignal | undefined
}

/** Results of an evaluation, by name. */
export type Scores = Readonly<Record<string, number>>

export interface LoopProgress {
  /** Since the loop started, and for the remaining iterations at this speed. */
  readonly seconds: number
  readonly secondsLeft: number
  /** Iterations since the loop started. */
  readonly done: number
  /** Scores of this iteration's evaluation, if there was one. */
  readonly scores: Scores | undefined
}

/**
 * The training loop: from the trainer's iteration to the last or to the signal. Returns the last saved iteration.
 * An evaluation or `afterStep` that the signal interrupts is discarded.
 */
export async function trainLoop<Report>({
  trainer,
  iterations,
  save,
  saveEvery,
  evaluate,
  evaluateEvery = Infinity,
  afterStep,
  log,
  signal
}: LoopOptions<Report>): Promise<number> {
  const [start, first] = [performance.now(), trainer.iteration]
  const orAborted = (error: unknown): undefined => {
    if (!signal?.aborted) throw error
  }
  let saved = first
  while (trainer.iteration < iterations && !signal?.aborted) {
    const report = await trainer.trainStep()
    const { iteration } = trainer

    const changed = afterStep ? await afterStep().catch(orAborted) : false
    if (changed === undefined) return saved // resumed, the run repeats this step from its last checkpoint

    const isDue = iteration % evaluateEvery === 0 || iteration === iterations
    const scores = isDue ? await evaluate?.().catch(orAborted) : undefined

    const [seconds, done] = [(performance.now() - start) / 1000, iteration - first]
    await log(report, { seconds, done, secondsLeft: ((iterations - iteration) * seconds) / done, scores })

    if (changed || iteration % saveEvery === 0) {
      await save()
      saved = iteration
    }
  }
  await save()
  return trainer.iteration
}
