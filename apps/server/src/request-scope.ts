import type { Logger } from './log.js'

/** A request while it is answered: what ends its work, and its log. */
export class RequestScope {
  readonly id = crypto.randomUUID()
  readonly log: Logger
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  /** Settles when the body of a streamed answer has been sent. */
  streamed: Promise<unknown> | undefined

  /** Why it failed. */
  failure: { readonly code: string; readonly message: string } | undefined

  constructor(log: Logger, time: number, timeLimit: () => Error) {
    this.log = log.child({ request: this.id })
    this.#timer = setTimeout(() => this.abort(timeLimit()), time)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(reason: Error): void {
    this.#controller.abort(reason)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
