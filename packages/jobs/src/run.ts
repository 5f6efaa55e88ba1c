import type { Source } from './source.js'
import { isInShard, wholeJob, type Shard, type Task } from './task.js'
import { workOn, type Outcome, type Workplace } from './work.js'

export interface RunOptions {
  /** Default: all images. */
  readonly shard?: Shard | undefined
  /** Images in work at once: while one is computed, the next is read and decoded. Default 2. */
  readonly concurrency?: number | undefined
  /** Images that failed in an earlier run are tried again. Default: they stay failed. */
  readonly retryFailed?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Counts of images of the shard. */
export interface Progress {
  readonly total: number
  /** With a record, including those of earlier runs. */
  readonly done: number
  readonly failed: number
  /** Computed by this call. */
  readonly computed: number
}

/**
 * Works on the images of a shard in this process. Images with a record are skipped, so a run that was stopped or killed
 * is continued by running it again. Throws what stops the job: `JobError`, errors of the device, the reason of an
 * abort. What was recorded until then stays.
 */
export async function runJob(
  { tasks }: Pick<Source, 'tasks'>,
  workplace: Workplace,
  { shard = wholeJob, concurrency = 2, retryFailed = false, onProgress, signal }: RunOptions = {}
): Promise<Progress> {
  const own = tasks.filter(task => isInShard(task, shard))
  const { open, done, failed } = await openTasks(own, workplace.results, { retryFailed, signal })
  const counts = { done, failed, present: 0 }
  let computed = 0
  const progress = (): Progress => ({
    total: own.length,
    done: counts.done + counts.present,
    failed: counts.failed,
    computed
  })
  onProgress?.(progress())
  const stop = new AbortController()
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const next = shuffled(open)[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (let task = next.next(); !task.done; task = next.next()) {
      const outcome: Outcome = await workOn(task.value, workplace, either)
      counts[outcome]++
      if (outcome === 'done') computed++
      onProgress?.(progress())
    }
  }
  let first: { readonly error: unknown } | undefined
  await Promise.all(
    Array.from({ length: concurrency }, () =>
      work().catch((error: unknown) => {
        first ??= { error }
        stop.abort(error)
      })
    )
  )
  if (first) throw first.error
  return progress()
}

/** The tasks that are to be done, and counts of those that are not. */
export async function openTasks(
  tasks: readonly Task[],
  results: Workplace['results'],
  { retryFailed, signal }: { readonly retryFailed: boolean; readonly signal: AbortSignal | undefined }
): Promise<{ readonly open: readonly Task[]; readonly done: number; readonly failed: number }> {
  const recorded = await results.recorded(signal)
  const failures = retryFailed ? new Set<string>() : await results.failed(signal)
  const open = tasks.filter(({ key }) => !recorded.has(key) && !failures.has(key))
  const done = tasks.filter(({ key }) => recorded.has(key)).length
  return { open, done, failed: tasks.length - open.length - done }
}

/** In random order, so that several processes on the same images seldom work on the same one. */
function* shuffled<T>(list: readonly T[]): Generator<T> {
  const rest = [...list]
  while (rest.length) {
    const i = Math.floor(Math.random() * rest.length)
    yield rest[i]
    rest[i] = rest[rest.length - 1]
    rest.pop()
  }
}
