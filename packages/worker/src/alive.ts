// Browsers release the locks of a page or worker that ends, in whatever way, and have no event for it. Node has events.
const locks: LockManager | undefined =
  'document' in globalThis || 'WorkerGlobalScope' in globalThis ? globalThis.navigator?.locks : undefined

export interface Lock {
  /** Resolves once it is held; immediately where there are no locks (Node, pages without https). */
  readonly ready: Promise<void>
  readonly release: () => void
}

/** Holds a lock until it is released or this thread ends. */
export function hold(name: string): Lock {
  let release = (): void => {}
  const released = new Promise<void>(resolve => (release = resolve))
  const ready = new Promise<void>(resolve => {
    if (!locks) resolve()
    else
      void locks.request(name, () => {
        resolve()
        return released
      })
  })
  return { ready, release }
}

/** Calls `then` once the thread that holds the lock has released it or ended. An abort of the signal ends the wait. */
export function whenReleased(name: string, then: () => void, signal: AbortSignal): void {
  locks?.request(name, { signal }, then).catch(() => {})
}
