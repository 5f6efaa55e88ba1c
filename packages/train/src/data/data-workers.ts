import type { MessagePort, Worker } from 'node:worker_threads'
import type { HostTensor } from '@sam/core/graph'
import type { Dataset } from './data/dataset.js'
import type { Prepare, Prepared, Unfit } from './prepared.js'

/** What a thread is asked, and what it answers. */
interface Question {
  readonly id: number
  readonly place: number
}
interface Answer {
  readonly id: number
  readonly found?: Prepared | Unfit
  readonly failed?: unknown
}

/**
 * Lets a thread prepare samples for another, which has it among its `preparers`: what the module of such a thread
 * calls, once.
 *
 * @example
 * // preparing.js
 * answerPreparing(parentPort, preparation({ recipe: tiny, data: scenes({ size: 256, seed: 1 }), seed: 1 }))
 */
export function answerPreparing(port: MessagePort, prepare: Prepare): void {
  port.on('message', ({ id, place }: Question) => {
    prepare(place).then(
      found => port.postMessage({ id, found } satisfies Answer, 'unfit' in found ? [] : buffersOf(found)),
      (failed: unknown) => port.postMessage({ id, failed } satisfies Answer)
    )
  })
}

/** Threads that prepare samples, and what a trainer takes for `prepare`. */
export interface Preparers {
  readonly prepare: Prepare
  /** Ends the threads; whoever waits for one is told so. */
  readonly dispose: () => void
}

/**
 * Has samples prepared by threads: those of one `source`, where the data tells it, by the same thread, others by
 * whichever has least to do. A sample is a function of its place, so a run ends with the same numbers whoever prepares
 * it. To a GPU, one thread cannot bring as many samples as it learns from. The threads must be of modules that call
 * `answerPreparing` with the run's own recipe, data and seed. A thread that ends or fails rejects whatever was asked,
 * and all that comes after.
 *
 * @example
 * const { prepare, dispose } = preparers(Array.from({ length: 8 }, () => new Worker(new URL('./preparing.js',
 * import.meta.url)))) await train({ recipe: tiny, data, backend: await cuda(), folder: 'runs/tiny', seed: 1, prepare })
 * dispose()
 */
export function preparers(workers: readonly Worker[], { source }: Pick<Dataset, 'source'> = {}): Preparers {
  const waiting = new Map<
    number,
    { readonly resolve: (found: Prepared | Unfit) => void; readonly reject: (error: unknown) => void }
  >()
  const threads = workers.map(worker => ({ worker, asked: 0 }))
  let [serial, over]: [number, Error | undefined] = [0, undefined]
  const stop = (why: Error): void => {
    over ??= why
    for (const { reject } of waiting.values()) reject(over)
    waiting.clear()
  }
  for (const thread of threads) {
    thread.worker.on('message', ({ id, found, failed }: Answer) => {
      const asked = waiting.get(id)
      waiting.delete(id)
      thread.asked--
      if (found) asked?.resolve(found)
      else asked?.reject(failed)
    })
    thread.worker.on('error', stop)
    thread.worker.on('exit', code => stop(new Error(`a thread that prepares samples ended with code ${code}`)))
  }
  return {
    prepare: place =>
      new Promise((resolve, reject) => {
        if (over) return reject(over)
        const thread = source
          ? threads[source(place) % threads.length]
          : threads.reduce((a, b) => (b.asked < a.asked ? b : a))
        thread.asked++
        waiting.set(++serial, { resolve, reject })
        thread.worker.postMessage({ id: serial, place } satisfies Question)
      }),
    dispose() {
      stop(new Error('the threads that prepare samples were ended'))
      for (const { worker } of threads) void worker.terminate()
    }
  }
}

/** The memory of a prepared sample, which moves to the other thread and is not copied. */
function buffersOf({ image, truths, crops }: Prepared): ArrayBuffer[] {
  const tensors: HostTensor[] = [image, ...(crops ? [crops.pixel_values, crops.mask_patches] : [])]
  // An object that is chosen twice has one plane.
  return [...new Set([...tensors.map(t => t.data.buffer), ...truths.map(t => t.data.buffer)])] as ArrayBuffer[]
}
