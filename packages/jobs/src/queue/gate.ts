/** Lets work run together with other work, or alone. */
export class Gate {
  #running = 0
  #alone: Promise<void> = Promise.resolve()
  #idle: (() => void) | undefined

  /** Runs `work` beside other work. */
  async together<T>(work: () => Promise<T>): Promise<T> {
    for (let alone: Promise<void> | undefined; alone !== this.#alone; await alone) alone = this.#alone
    this.#running++
    try {
      return await work()
    } finally {
      if (--this.#running === 0) this.#idle?.()
    }
  }

  /** Runs `work` when all other work has ended; what comes later waits. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#alone
    let open = (): void => {}
    this.#alone = new Promise(resolve => (open = resolve))
    try {
      await before
      if (this.#running) await new Promise<void>(resolve => (this.#idle = resolve))
      this.#idle = undefined
      return await work()
    } finally {
      open()
    }
  }
}
