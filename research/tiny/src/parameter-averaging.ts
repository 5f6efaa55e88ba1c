import { rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { f32, type HostTensor } from '@sam/core/graph'
import { readCheckpoint, saveCheckpoint, type Checkpoint } from './checkpoint.js'

/** Runs of one recipe side by side, each in a process and a folder of its own, with another seed. */
export interface MeetingOptions {
  /** The other runs' folders. They need not exist yet. */
  readonly beside: readonly string[]
  /** Iterations from one meeting to the next. */
  readonly every: number
}

const fileOf = (folder: string, iteration: number): string => join(folder, `meeting-${iteration}.safetensors`)

/**
 * Waits until all runs are at this iteration and gives the mean of their params and moments, from which each goes on:
 * for steps as small as a computer without a GPU can take, nearly as good as one run with all their images, and with
 * nothing between the processes but files. Local SGD (Stich 2019). All runs get the same bytes. Rejects with the
 * signal's reason.
 */
export async function meet(
  own: Checkpoint,
  folder: string,
  { beside, every, signal }: MeetingOptions & { signal?: AbortSignal | undefined }
): Promise<Record<string, HostTensor>> {
  await saveCheckpoint(fileOf(folder, own.iteration), own)
  // Whoever is here has read what was left at the meeting before.
  await rm(fileOf(folder, own.iteration - 2 * every), { force: true })
  const all = [folder, ...beside].map(f => fileOf(resolve(f), own.iteration)).sort()
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

/** Milliseconds between looks for the others' files. */
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
