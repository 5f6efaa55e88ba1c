import { HttpError } from './http-error.js'

interface Waiting {
  readonly start: () => void
}

/**
 * Work in at most `count` slots; the rest waits in order, at most `waiting` of them. What is beyond is refused at once,
 * with the time after which there should be room.
 */
export class Slots {
  #running = 0
  /** Mean duration of the latest work, in seconds. */
  #seconds = 1
  readonly #queue = new Set<Waiting>()

  constructor(
    readonly count: number,
    readonly waiting: number
  ) {}

  get running(): number {
    return this.#running
  }

  get queued(): number {
    return this.#queue.size
  }

  /** Throws 429 with `Retry-After` where no more may wait. */
  checkRoom(ahead = this.#queue.size): void {
    if (ahead < this.waiting) return
    const seconds = Math.min(60, Math.max(1, Math.ceil((this.#seconds * ahead) / this.count)))
    throw new HttpError(429, 'E_BUSY', `the queue is full, with ${ahead} waiting; try again in ${seconds} s`, {
      'retry-after': String(seconds)
    })
  }

  /** Runs the work in a slot. An abort ends the wait with the signal's reason; work that has begun must heed it itself. */
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
