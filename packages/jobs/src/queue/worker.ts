import type { Worker } from 'bullmq'
import { workOn, type Outcome, type Workplace } from '../work.js'
import { connect } from './connect.js'
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

/** A task whose workers ended this often while they worked on it is given up: it may be what ends them. */
const mostStalls = 2

/**
 * Works on the tasks of a queue until `close`. A task that fails is tried again later, unless the image is at fault.
 * Throws `JobError` `E_QUEUE`.
 */
export async function startWorker(
  url: string,
  { open, name = defaultQueueName, concurrency = 2, rate, stalledAfter = 30_000, onTask, onError }: WorkerOptions
): Promise<QueueWorker> {
  const { bullmq, redis, close } = await connect(url)
  const worker: Worker<QueuedTask> = new bullmq.Worker<QueuedTask>(
    name,
    async ({ data }, _token, signal) => {
      const { task, ...place } = data
      let outcome: Outcome
      try {
        outcome = await workOn(task, await open(place, signal), signal)
      } catch (error) {
        onTask?.(data, error as Error)
        throw error
      }
      onTask?.(data, outcome)
      if (outcome === 'failed')
        throw new bullmq.UnrecoverableError(`the image failed; see its record in ${place.results}`)
    },
    {
      connection: redis,
      concurrency,
      lockDuration: stalledAfter,
      stalledInterval: stalledAfter,
      maxStalledCount: mostStalls,
      ...(rate === undefined ? {} : { limiter: { max: rate, duration: 1000 } })
    }
  )
  worker.on('error', error => onError?.(error))
  return {
    async close() {
      await worker.close()
      await close()
    }
  }
}
