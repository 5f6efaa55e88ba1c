import { setTimeout as sleep } from 'node:timers/promises'
import type { Results } from '../results.js'
import { openTasks, type Progress, type RunOptions } from '../run.js'
import type { Source } from '../source.js'
import { isInShard, wholeJob, type Task } from '../task.js'
import type { Retries, TaskQueue } from './task-queue.js'

export interface QueueRunOptions extends Omit<RunOptions, 'concurrency'> {
  readonly retries?: Retries | undefined
  /** Milliseconds between two looks at the queue. Default 500. */
  readonly pollInterval?: number | undefined
}

/** The most tasks of a run in the queue at once: the rest waits here, and Redis stays small. */
const most = 10_000
/** Tasks that are looked at together, the oldest first: workers take them in this order. */
const looked = 500

/**
 * Processes the images of a shard with the workers of a queue, and waits for them. The queue holds only open tasks; the
 * results show which images are done. So a task that Redis has lost is added again, and running a stopped job again
 * continues it. Throws `JobError`, or the reason of an abort; what is queued then stays queued.
 */
export async function runOnQueue(
  { images, tasks }: Source,
  { results, queue }: { readonly results: Results; readonly queue: TaskQueue },
  { shard = wholeJob, retryFailed = false, retries, pollInterval = 500, onProgress, signal }: QueueRunOptions = {}
): Promise<Progress> {
  const own = tasks.filter(task => isInShard(task, shard))
  const { open, done, failed } = await openTasks(own, results, { retryFailed, signal })
  const counts = { done, failed, computed: 0 }
  const progress = (): Progress => ({ total: own.length, ...counts })
  const add = (more: readonly Task[]): Promise<void> => queue.add(more, { images, results }, retries)
  onProgress?.(progress())

  let queued: Task[] = []
  let next = 0
  while (next < open.length || queued.length) {
    signal?.throwIfAborted()
    const more = open.slice(next, next + most - queued.length)
    next += more.length
    await add(more)
    if (retryFailed && more.length) await queue.retryFailed(results)
    queued.push(...more)
    const oldest = queued.slice(0, looked)
    const states = await queue.states(oldest, results)
    const settled = new Set<Task>()
    const lost: Task[] = []
    for (const [i, task] of oldest.entries()) {
      if (states[i] === 'open') continue
      if (await results.has(task, signal)) {
        counts.done++
        counts.computed++
      } else if (states[i] === 'failed') {
        await recordFailure(task)
        counts.failed++
      } else {
        lost.push(task)
        continue
      }
      settled.add(task)
    }
    await add(lost)
    queued = queued.filter(task => !settled.has(task))
    if (settled.size) onProgress?.(progress())
    else await sleep(pollInterval, undefined, { signal })
  }
  return progress()

  /** Of a task whose worker could not write it: it ended, or its storage failed. */
  async function recordFailure({ key, image }: Task): Promise<void> {
    const record = await results.read({ key }, signal)
    if (record) return
    const message = await queue.reasonOf({ key, image }, results)
    await results.fail({ key, image, error: { code: 'E_QUEUE', message } }, signal)
  }
}
