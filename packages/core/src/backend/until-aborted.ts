/**
 * Settles with the promise, or rejects with the signal's reason on abort. Native work cannot be stopped: after an
 * abort, `abandon` must release its result. Call `signal.throwIfAborted()` before starting the work.
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
