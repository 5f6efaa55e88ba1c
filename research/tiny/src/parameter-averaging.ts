import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { f32, type HostTensor } from '@sam/core/graph'
import type { RunOptions } from '@sam/train'
import { readCheckpoint, saveCheckpoint, type Checkpoint } from '@sam/train/toolkit'

/** Runs of one recipe in parallel, each in its own process and folder and with its own seed. */
export interface ParameterAveragingOptions {
  /** This run's folder. */
  readonly folder: string
  /** The other runs' folders. They need not exist yet. */
  readonly peers: readonly string[]
  /** Iterations between averages. */
  readonly every: number
  readonly signal?: AbortSignal | undefined
}

/** For `RunOptions.afterStep`: replaces the state by the mean over all runs every so many iterations. */
export const parameterAveraging =
  (options: ParameterAveragingOptions): NonNullable<RunOptions['afterStep']> =>
  async ({ iteration, state }, checkpoint) => {
    if (iteration % options.every) return false
    state.set(await averageParameters(await checkpoint(), options))
    return true
  }

const fileOf = (folder: string, iteration: number): string => join(folder, `average-${iteration}.safetensors`)

/**
 * Waits until all runs have reached this iteration and returns the mean of their params and moments: local SGD (Stich
 * 2019). For the small steps of a computer without a GPU it is nearly as good as one run over all their images, and the
 * processes share nothing but files. All runs get the same bytes. Rejects with the signal's reason.
 */
async function averageParameters(
  own: Checkpoint,
  { folder, peers, every, signal }: ParameterAveragingOptions
): Promise<Record<string, HostTensor>> {
  await saveCheckpoint(fileOf(folder, own.iteration), own)
  // Every run that is here has read the file of the average before the last.
  await rm(fileOf(folder, own.iteration - 2 * every), { force: true })
  const all = [folder, ...peers].map(f => fileOf(resolve(f), own.iteration)).sort()
  const states: Checkpoint['state'][] = []
  for (const file of all) {
    while (!existsSync(file)) await sleep(pause, undefined, { signal })
    states.push((await readCheckpoint(file)).state)
  }
  return Object.fromEntries(
    Object.entries(states[0]).map(([name, { shape }]) => [
      name,
      f32(shape, mean(states.map(state => state[name].data)))
    ])
  )
}

/** Milliseconds between checks for the peers' files. */
const pause = 200

function mean(rows: readonly ArrayLike<number>[]): Float32Array {
  const out = new Float32Array(rows[0].length)
  for (let i = 0; i < out.length; i++) {
    let sum = 0
    for (const row of rows) sum += row[i]
    out[i] = sum / rows.length
  }
  return out
}
