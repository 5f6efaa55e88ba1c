import { HttpError } from './http-error.js'

/** What may wait. */
export interface WaitLimits {
  /** How many. */
  readonly waiting: number
  /** For how long, in milliseconds. */
  readonly time: number
}

interface Waiting {
  readonly start: () => void
}

/**
 * Work in at most `count` slots; the rest waits in order, up to a limit. What is beyond is refused at once, with the
 * time after which there should be room; so is what could not be finished in time, judging by the latest work.
 */
export class Slots {
  #running = 0
  /** Mean duration of the latest work, in seconds. */
  #seconds = 0.01
  readonly #queue = new Set<Waiting>()

  constructor(
    readonly count: number,
    readonly limits: WaitLimits
  ) {}

  get running(): number {
    return this.#running
  }

  get queued(): number {
    return this.#queue.size
  }

  /** Throws 429 with `Retry-After` where no more may wait. */
  checkRoom(ahead = this.#queue.size): void {
    const wait = (this.#seconds * (ahead + 1)) / this.count
    // Half of the time: a machine with other work becomes slower than the latest work was.
    if (ahead < this.limits.waiting && wait < (0.5 * this.limits.time) / 1000) return
    const seconds = Math.min(60, Math.max(1, Math.ceil(wait / 2)))
    throw new HttpError(429, 'E_BUSY', `the queue is full, with ${ahead} waiting; try again in ${seconds} s`).with({
      'retry-after': String(seconds)
    })
  }

  /** Runs the work in a slot. An abort ends the wait with the signal's reason; begun work must heed it itself. */
  async run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (this.#running < this.count) this.#running++
    else {
      this.checkRoom()
      await this.#turn(signal)
    }
    const start = performance.now()
    try {
      return await work()
    } finally {
      this.#seconds += ((performance.now() - start) / 1000 - this.#seconds) / 8
      const [next] = this.#queue
      if (next) {
        this.#queue.delete(next)
        next.start() // takes over this slot
      } else this.#running--
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#queue.delete(waiting)
        reject(signal!.reason as Error)
      }
      const waiting: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', leave)
          resolve()
        }
      }
      this.#queue.add(waiting)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
}
