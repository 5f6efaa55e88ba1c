import type { Calls, CallName, FromWorker, Step, ToWorker } from './protocol.js'

/** An error from the worker. `code` is a `SamErrorCode`, or the name of another error. */
export class WorkerError extends Error {
  constructor(
    readonly code: string,
    message: string
  ) {
    super(message)
  }
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((step: Step) => void) | undefined
}

export type Call = <C extends CallName>(
  name: C,
  args: Calls[C]['args'],
  options?: CallOptions
) => Promise<Calls[C]['result']>

/**
 * Remote calls to a worker. An abort rejects immediately with the signal's reason and cancels the call in the worker.
 */
export function client(worker: Pick<Worker, 'postMessage' | 'addEventListener'>): Call {
  interface Waiting extends CallOptions {
    readonly resolve: (value: never) => void
    readonly reject: (error: Error) => void
  }
  const waiting = new Map<number, Waiting>()
  let serial = 0
  const post = (message: ToWorker): void => worker.postMessage(message)

  worker.addEventListener('message', event => {
    const message = (event as MessageEvent<FromWorker>).data
    const call = waiting.get(message.id)
    if ('step' in message) return call?.onStep?.(message.step)
    waiting.delete(message.id)
    if ('error' in message) call?.reject(new WorkerError(message.error.code, message.error.message))
    else call?.resolve(message.result as never)
  })
  worker.addEventListener('error', event => {
    const error = new WorkerError(
      'E_WORKER',
      `the worker failed (${event.message || 'it could not be loaded'}); reload the page`
    )
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  })

  return (name, args, { signal, onStep } = {}) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const id = ++serial
      const abort = (): void => {
        if (!waiting.delete(id)) return
        post({ id, cancel: true })
        reject(signal!.reason as Error)
      }
      signal?.addEventListener('abort', abort, { once: true })
      const done = (): void => signal?.removeEventListener('abort', abort)
      waiting.set(id, {
        onStep,
        resolve: value => {
          done()
          resolve(value)
        },
        reject: error => {
          done()
          reject(error)
        }
      })
      post({ id, call: name, args } as ToWorker)
    })
}
