import { refuse } from '@sam/core/graph'
import { hold, whenReleased } from './alive.js'
import { isGreeting, type Greeting } from './connect.js'
import { serveFunction } from './function.js'

/** Calls that a worker answers, by name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- functions of any type
export type Calls = { readonly [name: string]: (...args: any[]) => unknown }

/** What a worker offers one page. */
export interface Service<C> {
  readonly calls: C
  /** The page closed its connection or is gone. */
  readonly close?: () => void
}

/** Where connections arrive: a worker's scope, or a port. */
export interface Scope {
  addEventListener(type: 'message' | 'connect', listener: (event: MessageEvent) => void): void
  start?(): void
}

/**
 * In a worker: answers the calls of each page that connects. Call it before the first `await` of the worker's script:
 * messages that arrive earlier are lost. `scope` is the worker itself (dedicated, shared, or a thread of Node), or a
 * port to another page. Throws `E_BAD_OPTION` outside of a worker.
 */
export function serve<C extends object>(open: () => Service<C>, scope: Scope = workerScope()): void {
  const accept = (endpoint: Scope): void => {
    endpoint.addEventListener('message', ({ data }) => {
      if (isGreeting(data)) start(data)
    })
    endpoint.start?.()
  }
  const start = ({ port, locks }: Greeting): void => {
    const { calls, close } = open()
    const lock = hold(locks.worker)
    const closed = new AbortController()
    const end = (): void => {
      if (closed.signal.aborted) return
      closed.abort()
      lock.release()
      close?.()
    }
    whenReleased(locks.page, end, closed.signal)
    port.addEventListener('close', end)
    const answer = async (name: string, ...args: unknown[]): Promise<unknown> => {
      await lock.ready // before the first answer: then the page waits for its release
      if (!Object.hasOwn(calls, name))
        refuse('E_BAD_OPTION', `the worker has no call '${name}'; is it of another version?`)
      return (calls as Calls)[name](...args)
    }
    serveFunction(answer, port)
  }
  if ('onconnect' in scope) scope.addEventListener('connect', ({ ports }) => accept(ports[0]))
  else accept(scope)
}

interface NodeProcess {
  getBuiltinModule?(name: string): { readonly parentPort: Scope | null }
}

function workerScope(): Scope {
  if ('WorkerGlobalScope' in globalThis) return globalThis
  // Not imported: bundlers for browsers have no such module.
  const { process } = globalThis as { readonly process?: NodeProcess }
  return (
    process?.getBuiltinModule?.('node:worker_threads').parentPort ??
    refuse('E_BAD_OPTION', 'must run in a worker, found the main thread; start it with new Worker(…)')
  )
}
