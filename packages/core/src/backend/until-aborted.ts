/**
 * The promise, or the signal's reason as soon as it aborts. Native work cannot be stopped: `abandon` is told to let its
 * result go. For what a backend starts; its run and compile ask `signal.throwIfAborted()` before.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, abandon: () => void): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      abandon()
      reject(signal.reason as Error)
    }
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
