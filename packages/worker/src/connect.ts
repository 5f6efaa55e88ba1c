import { BackendError, type SamError } from '@sam/core'
import { refuse, untilAborted } from '@sam/core/graph'
import { hold, whenReleased } from './alive.js'
import { remoteFunction, type AnyFunction } from './function.js'

/** A worker to connect to: of a browser, shared, a thread of Node (`node:worker_threads`), or a port to one. */
export type WorkerLike = PostTarget | { readonly port: PostTarget }

interface PostTarget {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Node and browsers have different types here
  postMessage(message: unknown, transfer: any): void
}

/** The first message to a worker: everything else goes through its port. */
export interface Greeting {
  readonly '@sam/worker': 'connect'
  readonly port: MessagePort
  /** The locks by which each side notices that the other has ended. */
  readonly locks: { readonly page: string; readonly worker: string }
}

export const isGreeting = (data: unknown): data is Greeting =>
  typeof data === 'object' && data !== null && (data as Partial<Greeting>)['@sam/worker'] === 'connect'

export interface Connection<C> {
  /**
   * Calls a function of the worker. Functions, abort signals, masks and errors cross over; everything else is copied.
   * If the last argument has a `signal`, its abort rejects immediately with its reason and is forwarded; what arrives
   * afterwards is given to `late`. Throws what the worker throws, and `BackendError` `E_BACKEND_UNAVAILABLE` or
   * `E_BACKEND_FAILED` if the worker cannot be loaded or ends.
   */
  readonly call: <N extends keyof C>(
    name: N,
    args: Parameters<Extract<C[N], AnyFunction>>,
    late?: Late<C[N]>
  ) => Reply<C[N]>
  /** Rejects all pending and later calls with this error, and closes the port. Does nothing the second time. */
  readonly close: (error: Error) => void
}

type Result<F> = Awaited<ReturnType<Extract<F, AnyFunction>>>
type Late<F> = (result: Result<F>) => void
type Reply<F> = Promise<Result<F>>

/** Connects to the functions that {@link serve} offers in the worker. */
export function connect<C>(worker: WorkerLike): Connection<C> {
  const { port1, port2 } = new MessageChannel()
  const pending = new Set<(error: Error) => void>()
  let ended: Error | undefined
  let answered = false
  const name = `@sam/worker ${Date.now()} ${Math.random()}`
  const locks = { page: `${name} page`, worker: `${name} worker` }
  const lock = hold(locks.page)
  const closed = new AbortController()
  const close = (error: Error): void => {
    if (ended) return
    ended = error
    lock.release()
    closed.abort()
    port1.close()
    for (const reject of pending) reject(error)
    pending.clear()
  }
  const failed = (event: unknown): void => close(workerError(event, answered))
  listen(worker, failed)
  port1.addEventListener('close', () => failed(undefined))
  const remote = remoteFunction(port1)
  const greeting: Greeting = { '@sam/worker': 'connect', port: port2, locks }
  void lock.ready.then(() => ('port' in worker ? worker.port : worker).postMessage(greeting, [port2]))

  return {
    close,
    call(name, args, late) {
      if (ended) return Promise.reject(ended)
      const { signal } = ((args as unknown[]).at(-1) ?? {}) as { signal?: AbortSignal | undefined }
      const stop = signal instanceof AbortSignal ? signal : undefined
      if (stop?.aborted) return Promise.reject(stop.reason as Error)
      const reply = new Promise<unknown>((resolve, reject) => {
        pending.add(reject)
        remote(name, ...(args as unknown[]))
          .then(resolve, reject)
          .finally(() => {
            pending.delete(reject)
            if (!answered && !ended) whenReleased(locks.worker, () => failed(undefined), closed.signal)
            answered = true
          })
      }) as Reply<C[typeof name]>
      return untilAborted(reply, stop, () => void reply.then(late, () => {}))
    }
  }
}

/** Calls `failed` once a worker cannot be loaded, has thrown, or has ended. */
function listen(worker: WorkerLike, failed: (event: unknown) => void): void {
  const { on, addEventListener } = worker as {
    on?: (type: string, listener: (event: unknown) => void) => void
    addEventListener?: (type: string, listener: (event: unknown) => void) => void
  }
  for (const type of ['error', 'exit']) (on ?? addEventListener)?.call(worker, type, failed)
}

function workerError(event: unknown, answered: boolean): SamError {
  const { message } = (event ?? {}) as { readonly message?: unknown }
  const why = typeof message === 'string' && message ? `: ${message}` : ''
  const cause: unknown = event instanceof Error ? event : (event as ErrorEvent | undefined)?.error
  return answered
    ? new BackendError('E_BACKEND_FAILED', `the worker failed or ended${why}; start a new one and connect again`, {
        cause
      })
    : new BackendError(
        'E_BACKEND_UNAVAILABLE',
        `the worker could not be started${why}; check the URL of its script, and that it calls serveSam`,
        { cause }
      )
}

/** For calls after `dispose`. */
export function disposedError(): Error {
  try {
    return refuse('E_DISPOSED', 'this Sam was disposed; connect to a worker again')
  } catch (error) {
    return error as Error
  }
}
