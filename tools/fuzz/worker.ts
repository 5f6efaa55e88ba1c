import { parentPort, workerData } from 'node:worker_threads'
import { SamError } from '../../packages/core/src/errors.js'
import { mutated } from './mutate.js'
import { randomFrom } from './random.js'
import type { Target } from './target.js'
import { allTargets } from './targets.js'

/**
 * Input from the main thread; it reads `shared` while a case runs: [target, case, start (ms), cases done, cases
 * accepted].
 */
export interface FuzzData {
  readonly seed: number
  readonly only: string | undefined
  readonly from: number
  readonly shared: SharedArrayBuffer
}

/** A violation; its input is reproducible from these numbers. */
export interface Finding {
  readonly target: string
  readonly n: number
  readonly what: string
}

/** Limit of the array buffers that a case may allocate: examples have a few kilobytes. */
const memoryLimit = 256 * 2 ** 20

export const inputOf = ({ name, corpus }: Target, n: number, seed: number): Uint8Array =>
  mutated(
    corpus,
    n,
    randomFrom([...`${name} ${n}`].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 0x01000193), seed))
  )

if (parentPort) {
  const { seed, only, from, shared } = workerData as FuzzData
  const state = new Float64Array(shared)
  const targets = (await allTargets()).filter(({ name }) => only === undefined || name === only)
  for (let n = from; ; n++) {
    for (const [i, target] of targets.entries()) {
      const input = inputOf(target, n, seed)
      const before = process.memoryUsage().arrayBuffers
      state.set([i, n, Date.now()])
      let what: string | undefined
      try {
        await target.run(input)
        state[4]++
      } catch (error) {
        if (!SamError.is(error)) what = error instanceof Error ? (error.stack ?? error.message) : String(error)
      }
      state[2] = 0
      state[3]++
      const grown = process.memoryUsage().arrayBuffers - before
      if (grown > memoryLimit) what ??= `allocated ${(grown / 2 ** 20).toFixed()} MiB`
      if (what !== undefined) parentPort.postMessage({ target: target.name, n, what } satisfies Finding)
    }
    // Lets messages be sent and a stop be handled.
    if (n % 64 === 0) await new Promise(setImmediate)
  }
}
