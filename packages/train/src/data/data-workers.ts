import type { MessagePort, Worker } from 'node:worker_threads'
import type { HostTensor } from '@sam/core/graph'
import type { Dataset } from './dataset.js'
import type { LoadExample, TrainingExample, Unfit } from './load-example.js'

/** A request to a data worker, and its response. */
interface Request {
  readonly id: number
  readonly position: number
}
interface Response {
  readonly id: number
  readonly loaded?: TrainingExample | Unfit
  readonly failed?: unknown
}

/**
 * Serves examples to the thread that started this one: the module of a data worker calls it once.
 *
 * @example
 * // data-worker.js
 * serveDataWorker(parentPort, exampleLoader({ recipe: vitB, data: await sa1b('sa1b'), seed: 1 }))
 */
export function serveDataWorker(port: MessagePort, loadExample: LoadExample): void {
  port.on('message', ({ id, position }: Request) => {
    loadExample(position).then(
      loaded => port.postMessage({ id, loaded } satisfies Response, 'unfit' in loaded ? [] : buffersOf(loaded)),
      (failed: unknown) => port.postMessage({ id, failed } satisfies Response)
    )
  })
}

/** Threads that load examples. */
export interface DataWorkers {
  /** For `train` and `trainer`. */
  readonly loadExample: LoadExample
  /** Ends the threads; pending requests are rejected. */
  readonly dispose: () => void
}

/**
 * Loads examples on other threads, for devices that train faster than one thread can load. Samples of one `source`,
 * where the data set has one, are loaded on the same thread, others on the least busy one. An example is a function of
 * its position, so a run ends with the same weights on any number of threads. Each thread's module must call
 * `serveDataWorker` with the run's recipe, data and seed. A thread that ends or fails rejects all pending and later
 * requests.
 *
 * @example
 * const threads = Array.from({ length: 8 }, () => new Worker(new URL('./data-worker.js', import.meta.url)))
 * const { loadExample, dispose } = dataWorkers(threads)
 * await train({ recipe: vitB, data, backend: await cuda(), folder: 'runs/b', seed: 1, loadExample })
 * dispose()
 */
export function dataWorkers(workers: readonly Worker[], { source }: Pick<Dataset, 'source'> = {}): DataWorkers {
  const pending = new Map<
    number,
    { readonly resolve: (loaded: TrainingExample | Unfit) => void; readonly reject: (error: unknown) => void }
  >()
  const threads = workers.map(worker => ({ worker, requests: 0 }))
  let [serial, ended]: [number, Error | undefined] = [0, undefined]
  const end = (why: Error): void => {
    ended ??= why
    for (const { reject } of pending.values()) reject(ended)
    pending.clear()
  }
  for (const thread of threads) {
    thread.worker.on('message', ({ id, loaded, failed }: Response) => {
      const request = pending.get(id)
      pending.delete(id)
      thread.requests--
      if (loaded) request?.resolve(loaded)
      else request?.reject(failed)
    })
    thread.worker.on('error', end)
    thread.worker.on('exit', code => end(new Error(`a data worker ended with code ${code}`)))
  }
  return {
    loadExample: position =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended)
        const thread = source
          ? threads[source(position) % threads.length]
          : threads.reduce((a, b) => (b.requests < a.requests ? b : a))
        thread.requests++
        pending.set(++serial, { resolve, reject })
        thread.worker.postMessage({ id: serial, position } satisfies Request)
      }),
    dispose() {
      end(new Error('the data workers were ended'))
      for (const { worker } of threads) void worker.terminate()
    }
  }
}

/** The buffers of an example, which are transferred instead of copied. */
function buffersOf({ image, truths, crops }: TrainingExample): ArrayBuffer[] {
  const tensors: HostTensor[] = [image, ...(crops ? [crops.pixel_values, crops.mask_patches] : [])]
  // An object sampled twice has one bitmap.
  return [...new Set([...tensors.map(t => t.data.buffer), ...truths.map(t => t.data.buffer)])] as ArrayBuffer[]
}
