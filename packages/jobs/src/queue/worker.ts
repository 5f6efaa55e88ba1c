import type { Job, Worker } from 'bullmq'
import { crashed, mostCrashes } from '../run.js'
import { workOn, type Outcome, type Workplace } from '../work.js'
import { connect } from './connect.js'
import { Gate } from './gate.js'
import { defaultQueueName, type QueuedTask } from './task-queue.js'

export interface WorkerOptions {
  /** Opens what a task needs. Called for every task: keep models open between calls. */
  readonly open: (task: Omit<QueuedTask, 'task'>, signal?: AbortSignal) => Promise<Workplace>
  readonly name?: string | undefined
  /** Images in work at once. Default 2. */
  readonly concurrency?: number | undefined
  /** The most images per second that all workers of the queue begin together. Default: no limit. */
  readonly rate?: number | undefined
  /** Milliseconds after which the task of a worker that ended is given to another. Default 30,000. */
  readonly stalledAfter?: number | undefined
  /** Called after each task. */
  readonly onTask?: ((task: QueuedTask, outcome: Outcome | Error) => void) | undefined
  /** Called with errors of the connection, which is opened again. */
  readonly onError?: ((error: Error) => void) | undefined
}

/** A worker of a queue. */
export interface QueueWorker {
  /** Takes no more tasks, finishes those in work, and disconnects. */
  close(): Promise<void>
}

/**
 * Works on the tasks of a queue until `close`. A task that fails is tried again later, unless the image is at fault. A
 * task during which a worker ended is done alone, so that it takes no other task with it if it ends this worker too.
 * Throws `JobError` `E_QUEUE`.
 */
export async function startWorker(
  url: string,
  { open, name = defaultQueueName, concurrency = 2, rate, stalledAfter = 30_000, onTask, onError }: WorkerOptions
): Promise<QueueWorker> {
  const connection = await connect(url)
  const { bullmq, redis } = connection
  const gate = new Gate()
  /** Begins a task, and counts that in Redis: a worker that ends does not count down. */
  const begin = async (job: Job<QueuedTask>, signal: AbortSignal | undefined): Promise<Outcome> => {
    const { task, ...place } = job.data
    const begun = begunOf(job)
    if (begun - job.attemptsMade >= mostCrashes) throw new bullmq.UnrecoverableError(crashed)
    await job.updateProgress(begun + 1)
    return workOn(task, await open(place, signal), signal)
  }
  const worker: Worker<QueuedTask> = new bullmq.Worker<QueuedTask>(
    name,
    async (job, _token, signal) => {
      let outcome: Outcome
      try {
        const work = (): Promise<Outcome> => begin(job, signal)
        outcome = begunOf(job) > job.attemptsMade ? await gate.alone(work) : await gate.together(work)
      } catch (error) {
        onTask?.(job.data, error as Error)
        throw error
      }
      onTask?.(job.data, outcome)
      if (outcome === 'failed')
        throw new bullmq.UnrecoverableError(`the image failed; see its record in ${job.data.results}`)
    },
    {
      connection: redis,
      concurrency,
      lockDuration: stalledAfter,
      stalledInterval: stalledAfter,
      maxStalledCount: Number.MAX_SAFE_INTEGER, // `begin` counts
      ...(rate === undefined ? {} : { limiter: { max: rate, duration: 1000 } })
    }
  )
  worker.on('error', error => onError?.(error))
  return {
    async close() {
      await worker.close()
      await connection.close()
    }
  }
}

/** How often a task was begun. */
const begunOf = ({ progress }: Job): number => (typeof progress === 'number' ? progress : 0)
