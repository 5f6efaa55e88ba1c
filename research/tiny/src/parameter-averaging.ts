import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { f32, refuse, type HostTensor } from '@sam/core/graph'
import { writeFileAtomic } from '@sam/core/model'
import type { Recipe, RunOptions } from '@sam/train'
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

/**
 * For `RunOptions.afterStep`: replaces the state by the mean over all runs every so many iterations. A run that starts
 * anew removes the files that an earlier run left in its folder, and reads the files of its peers' current runs only.
 * Throws `InputError` `E_BAD_OPTION` where a peer trains another recipe, or has started anew while this run is resumed.
 */
export function parameterAveraging(options: ParameterAveragingOptions): NonNullable<RunOptions['afterStep']> {
  const { folder, every } = options
  let runs: readonly PeerRun[] | undefined
  return async ({ iteration, state, recipe }, checkpoint) => {
    if (iteration === 1) await removeFiles(folder)
    if (iteration % every) return false
    runs ??= await joinRuns(recipe, { ...options, isFirst: iteration === every })
    state.set(await averageParameters(await checkpoint(), runs, options))
    return true
  }
}

/** A run that takes part in the averages. */
interface PeerRun {
  readonly folder: string
  /** Random, of one start. */
  readonly id: string
}

/** What each run writes to `averaging.json`. */
interface Membership {
  readonly id: string
  /** SHA-256 of the recipe without its schedule, which a resumed run may extend. */
  readonly recipe: string
  /** Ids of the peers' runs. */
  readonly peers: readonly string[]
}

const membershipFile = 'averaging.json'
const averageFile = ({ folder, id }: PeerRun, iteration: number): string =>
  join(resolve(folder), `average-${iteration}-${id}.safetensors`)

async function readMembership(folder: string): Promise<Membership | undefined> {
  const text = await readFile(join(folder, membershipFile), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  return text === undefined ? undefined : (JSON.parse(text) as Membership)
}

async function removeFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name === membershipFile || /^average-.*\.safetensors$/.test(name)) await rm(join(folder, name), { force: true })
}

/**
 * Waits until each peer has recorded this run's id, and returns the runs: this one first. Files of an earlier run
 * cannot hold the id of a later one. A resumed run keeps its id, and after the first average its peers.
 */
async function joinRuns(
  { schedule: _, ...recipe }: Recipe,
  { folder, peers, isFirst, signal }: ParameterAveragingOptions & { isFirst: boolean }
): Promise<readonly PeerRun[]> {
  const digest = createHash('sha256').update(JSON.stringify(recipe)).digest('hex')
  const stored = await readMembership(folder)
  const id = stored?.id ?? randomUUID()
  for (;;) {
    const found = await Promise.all(peers.map(readMembership))
    const ids = found.flatMap(other => other?.id ?? [])
    const other = found.findIndex(run => run && !isFirst && stored && !stored.peers.includes(run.id))
    if (other >= 0) refuseOther(peers[other])
    const own: Membership = { id, recipe: digest, peers: ids }
    await writeFileAtomic(join(folder, membershipFile), [new TextEncoder().encode(JSON.stringify(own))])
    const joined = found.filter(run => run?.peers.includes(id))
    const odd = joined.find(run => run!.recipe !== digest)
    if (odd)
      refuse(
        'E_BAD_OPTION',
        `${peers[found.indexOf(odd)]} must train the recipe of ${folder} to average parameters, found another`
      )
    if (joined.length === peers.length)
      return [{ folder, id }, ...peers.map((peer, i) => ({ folder: peer, id: ids[i] }))]
    await sleep(pause, undefined, { signal })
  }
}

/**
 * Waits until all runs have reached this iteration and returns the mean of their params and moments: local SGD (Stich
 * 2019). For the small steps of a computer without a GPU it is nearly as good as one run over all their images, and the
 * processes share nothing but files. All runs get the same bytes. Rejects with the signal's reason.
 */
async function averageParameters(
  own: Checkpoint,
  runs: readonly PeerRun[],
  { every, signal }: ParameterAveragingOptions
): Promise<Record<string, HostTensor>> {
  await saveCheckpoint(averageFile(runs[0], own.iteration), own)
  // All runs have read the file of the average before the last.
  await rm(averageFile(runs[0], own.iteration - 2 * every), { force: true })
  const byFolder = [...runs].sort((a, b) => (resolve(a.folder) < resolve(b.folder) ? -1 : 1))
  const states: Checkpoint['state'][] = []
  for (const run of byFolder) {
    const file = averageFile(run, own.iteration)
    while (!existsSync(file)) {
      await checkSameRun(run)
      await sleep(pause, undefined, { signal })
    }
    states.push((await readCheckpoint(file)).state)
  }
  return Object.fromEntries(
    Object.entries(states[0]).map(([name, { shape }]) => [
      name,
      f32(shape, mean(states.map(state => state[name].data)))
    ])
  )
}

/** Throws `InputError` `E_BAD_OPTION` where a peer has started anew meanwhile. */
async function checkSameRun({ folder, id }: PeerRun): Promise<void> {
  const now = await readMembership(folder)
  if (now && now.id !== id) refuseOther(folder)
}

const refuseOther = (folder: string): never =>
  refuse(
    'E_BAD_OPTION',
    `${folder} must hold the run that this one averages with, found one that started anew; start all of them anew`
  )

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
