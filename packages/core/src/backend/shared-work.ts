import { untilAborted } from './until-aborted.js'

/**
 * Work shared by several callers, each with its own signal. It starts with the first caller. A caller whose signal
 * aborts rejects with the signal's reason; the work is aborted once no caller is left.
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
