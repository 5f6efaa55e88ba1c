import { createHash } from 'node:crypto'
import type { JobsOptions, Queue } from 'bullmq'
import type { Results } from '../results.js'
import type { Storage } from '../storage/storage.js'
import type { Task } from '../task.js'
import { connect, type Connection } from './connect.js'

/** A task as it lies in Redis: where its image and its results are, and which job it belongs to. */
export interface QueuedTask {
  readonly task: Task
  /** Digest of the job's identity; its description is in the results. */
  readonly job: string
  readonly images: string
  readonly results: string
}

/** A task that was given up. */
export interface DeadLetter extends QueuedTask {
  readonly reason: string
  readonly attempts: number
}

/** Counts of tasks in a queue. Done ones are removed. */
export interface QueueCounts {
  readonly waiting: number
  readonly active: number
  /** Waiting for the next attempt. */
  readonly delayed: number
  readonly failed: number
}

/** How often and when a task is tried. */
export interface Retries {
  /** Default 5. Errors of the image are not tried again. */
  readonly attempts?: number | undefined
  /** Milliseconds before the second attempt; doubled before each further one. Default 1000. */
  readonly backoff?: number | undefined
}

export const defaultQueueName = 'sam-annotate'

/** What became of a task in the queue. */
type State = 'open' | 'failed' | 'gone'

const batch = 500

/** The queue of the tasks of all jobs, on BullMQ. */
export class TaskQueue {
  private constructor(
    private readonly connection: Connection,
    private readonly queue: Queue<QueuedTask>
  ) {}

  /** Throws `JobError` `E_QUEUE`. */
  static async open(url: string, { name = defaultQueueName }: { readonly name?: string } = {}): Promise<TaskQueue> {
    const connection = await connect(url)
    const queue = new connection.bullmq.Queue<QueuedTask>(name, { connection: connection.redis })
    queue.on('error', () => {}) // the connection opens again
    return new TaskQueue(connection, queue)
  }

  /** Adds tasks. One that is in the queue, or failed there, is not added again. */
  async add(
    tasks: readonly Task[],
    { images, results }: { readonly images: Storage; readonly results: Results },
    { attempts = 5, backoff = 1000 }: Retries = {}
  ): Promise<void> {
    const opts: JobsOptions = {
      attempts,
      backoff: { type: 'exponential', delay: backoff },
      removeOnComplete: true,
      removeOnFail: false
    }
    const at = { job: results.digest, images: images.location, results: results.storage.location }
    for (let i = 0; i < tasks.length; i += batch)
      await this.queue.addBulk(
        tasks.slice(i, i + batch).map(task => ({
          name: task.image,
          data: { task, ...at },
          opts: { ...opts, jobId: idOf(task, results) }
        }))
      )
  }

  /** What became of tasks of these results, in their order. */
  async states(tasks: readonly Task[], results: Results): Promise<State[]> {
    const states = await Promise.all(tasks.map(task => this.queue.getJobState(idOf(task, results))))
    return states.map(state =>
      state === 'failed' ? 'failed' : state === 'unknown' || state === 'completed' ? 'gone' : 'open'
    )
  }

  /** Why a task was given up. */
  async reasonOf(task: Task, results: Results): Promise<string> {
    return (await this.queue.getJob(idOf(task, results)))?.failedReason ?? 'unknown'
  }

  async counts(): Promise<QueueCounts> {
    const counts = await this.queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed')
    const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts
    return { waiting: waiting + prioritized, active, delayed, failed }
  }

  /** The tasks that were given up, the latest first. */
  async *deadLetters(): AsyncGenerator<DeadLetter> {
    for (let start = 0; ; start += batch) {
      const jobs = await this.queue.getFailed(start, start + batch - 1)
      for (const { data, failedReason, attemptsMade } of jobs)
        yield { ...data, reason: failedReason, attempts: attemptsMade }
      if (jobs.length < batch) return
    }
  }

  /** Puts the tasks that were given up back into the queue: all, or those of these results. Returns how many. */
  async retryFailed(results?: Results): Promise<number> {
    const jobs = await this.queue.getFailed()
    const own = jobs.filter(
      ({ data }) => !results || (data.job === results.digest && data.results === results.storage.location)
    )
    for (const job of own) {
      await job.updateProgress(0)
      await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true })
    }
    return own.length
  }

  async close(): Promise<void> {
    await this.queue.close()
    await this.connection.close()
  }
}

/** The id of a task of these results in BullMQ, which has each id once. */
function idOf({ key }: Task, { digest, storage }: Results): string {
  const job = createHash('sha256').update(`${digest}\n${storage.location}`).digest('hex').slice(0, 16)
  return `${job}-${key}`
}
