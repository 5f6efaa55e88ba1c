import { CrashLog, crashesIn } from './crash-log.js'
import type { Source } from './source.js'
import { isInShard, wholeJob, type Shard, type Task } from './task.js'
import { workOn, type Workplace } from './work.js'

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
 * is continued by running it again. Images during which a process ended come last and alone, and are given up after
 * three times. Throws what stops the job: `JobError`, errors of the device, the reason of an abort. What was recorded
 * until then stays.
 */
export async function runJob(
  { tasks }: Pick<Source, 'tasks'>,
  workplace: Workplace,
  { shard = wholeJob, concurrency = 2, retryFailed = false, onProgress, signal }: RunOptions = {}
): Promise<Progress> {
  const own = tasks.filter(task => isInShard(task, shard))
  const { open, done, failed } = await openTasks(own, workplace.results, { retryFailed, signal })
  const crashes = await crashesIn(workplace.results.storage, signal)
  const crashesOf = ({ key }: Task): number => crashes.get(key) ?? 0
  const deadly = retryFailed ? [] : open.filter(task => crashesOf(task) >= mostCrashes)
  const suspects = open
    .filter(task => crashesOf(task) > 0 && !deadly.includes(task))
    .sort((a, b) => crashesOf(a) - crashesOf(b))
  const others = open.filter(task => crashesOf(task) === 0)

  const counts = { done, failed, present: 0 }
  let computed = 0
  const progress = (): Progress => ({
    total: own.length,
    done: counts.done + counts.present,
    failed: counts.failed,
    computed
  })
  onProgress?.(progress())
  for (const { key, image } of deadly) {
    await workplace.results.fail({ key, image, error: { code: 'E_INTERNAL', message: crashed } }, signal)
    counts.failed++
  }
  const log = new CrashLog(workplace.results.storage)
  const work = async (task: Task, stop: AbortSignal): Promise<void> => {
    const outcome = await log.during(task, () => workOn(task, workplace, stop))
    counts[outcome]++
    if (outcome === 'done') computed++
    onProgress?.(progress())
  }
  try {
    await inParallel(shuffled(others), { count: concurrency, signal }, work)
    await inParallel(suspects, { count: 1, signal }, work)
  } finally {
    await log.close().catch(() => {}) // as in a process that is killed, the file stays
  }
  return progress()
}

/** An image is given up when this many processes have ended while they worked on it: it may be what ends them. */
export const mostCrashes = 3
export const crashed = `${mostCrashes} processes ended while they worked on this image`

/** Runs `work` on `count` items at a time. An error aborts the work that runs, and is thrown when that has ended. */
async function inParallel<T>(
  items: Iterable<T>,
  { count, signal }: { readonly count: number; readonly signal: AbortSignal | undefined },
  work: (item: T, stop: AbortSignal) => Promise<void>
): Promise<void> {
  const failed = new AbortController()
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
  const iterator = items[Symbol.iterator]()
  let first: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !first; next = iterator.next()) await work(next.value, stop)
  }
  const lanes = Array.from({ length: count }, () =>
    lane().catch((error: unknown) => {
      first ??= { error }
      failed.abort(error)
    })
  )
  await Promise.all(lanes)
  if (first) throw first.error
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
