import { untilAborted } from './until-aborted.js'

/**
 * Work that several callers wait for, each with a signal of its own. It starts with the first caller; a caller whose
 * signal aborts leaves with its reason, and the work is aborted when nobody waits for it any more.
 */
export class SharedWork<T> {
  readonly #stop = new AbortController()
  readonly #result: Promise<T>
  #waiting = 0
  #failed = false

  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.#result = start(this.#stop.signal)
    this.#result.catch(() => {
      this.#failed = true
    })
  }

  /** Whether it was aborted or failed: there is no result to wait for. */
  get failed(): boolean {
    return this.#failed || this.#stop.signal.aborted
  }

  async wait(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    this.#waiting++
    try {
      return await untilAborted(this.#result, signal, () => {
        if (this.#waiting === 1) this.#stop.abort(signal!.reason)
      })
    } finally {
      this.#waiting--
    }
  }
}
