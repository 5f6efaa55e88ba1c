import { isMainThread, Worker } from 'node:worker_threads'
import { BackendError } from '@sam/core/graph'
import { runtimeFailed } from '../failures.js'
import { importFailed } from './failures.js'
import { closeSection, openSection } from './native-section.js'
import type { Calls } from './protocol.js'

/** The runtime in a separate thread. */
export interface Thread {
  /** Calls are processed in order. `transfer` moves buffers instead of copying them. */
  call<C extends keyof Calls>(
    name: C,
    args: Calls[C]['args'],
    transfer?: readonly ArrayBuffer[]
  ): Promise<Calls[C]['result']>
  /** Ends the thread after its pending work; calls still waiting then reject with `reason`. */
  end(reason: Error): void
}

export interface ThreadOptions {
  /** Whether onnxruntime may send usage data to Microsoft. */
  readonly telemetry: boolean
}

/** Starts the thread; resolves when onnxruntime is loaded. Throws `BackendError` `E_BACKEND_UNAVAILABLE`. */
export async function startThread({ telemetry }: ThreadOptions): Promise<Thread> {
  silenceTelemetry(telemetry)
  const section = openSection()
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { section } })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let serial = 0
  let over: Error | undefined

  const settle = (): void => {
    if (waiting.size === 0) worker.unref()
  }
  const stop = (error: Error): void => {
    over ??= error
    for (const { reject } of waiting.values()) reject(over)
    waiting.clear()
    settle()
  }
  worker.on('message', ({ id, result, error }: { id: number; result: never; error?: string }) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(runtimeFailed(error))
    settle()
  })
  worker.on('error', error => stop(importFailed(error)))
  worker.on('exit', code => {
    closeSection(section)
    stop(new BackendError('E_DEVICE_LOST', `the thread of onnxruntime ended with code ${code}; create a new backend`))
  })

  const call: Thread['call'] = (name, args, transfer = []) =>
    new Promise((resolve, reject) => {
      if (over) return reject(over)
      waiting.set(++serial, { resolve, reject })
      worker.ref()
      worker.postMessage({ id: serial, call: name, args }, transfer)
    })
  await call('backends', {})
  return {
    call,
    end(reason) {
      if (over) return
      worker.postMessage({ id: 0, call: 'end', args: {} })
      stop(reason)
    }
  }
}

/**
 * onnxruntime ≥ 1.29 sends usage data unless an environment variable of the process disables it. It reads the real
 * environment: changes of `process.env` in a worker thread have no effect.
 */
function silenceTelemetry(telemetry: boolean): void {
  if (telemetry || process.env.ORT_DISABLE_TELEMETRY !== undefined) return
  if (!isMainThread) {
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      'onnxruntime would send usage data, and a worker thread cannot stop it: set ORT_DISABLE_TELEMETRY=1 in the environment or in the main thread ' +
        'before the worker starts, or allow it with { telemetry: true }'
    )
  }
  process.env.ORT_DISABLE_TELEMETRY = '1'
}
