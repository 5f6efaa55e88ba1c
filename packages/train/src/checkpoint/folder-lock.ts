import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { InputError, isRunning, WeightsError } from '@sam/core/graph'

/** A folder that no other training uses until `release`. */
export interface FolderLock {
  readonly folder: string
  release(): Promise<void>
}

/** What the file of a lock holds. */
interface Holder {
  readonly pid: number
  readonly host: string
  /** Start of the process, as the system counts it; a later process with the same id has another. */
  readonly start: string
}

const lockName = 'run.lock'

/**
 * Locks the folder of a run, which must exist. The lock of a process that has ended is taken over. Throws `InputError`
 * `E_BAD_OPTION`, naming the other process, where the folder is locked; `WeightsError` `E_WEIGHTS_IO` where the lock
 * cannot be written.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, lockName)
  const own = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    start: await startOf(process.pid)
  } satisfies Holder)
  // A second failure is another process that took the lock over first.
  if (!(await create(path, own)) && !((await removeStale(path)) && (await create(path, own))))
    throw new InputError('E_BAD_OPTION', lockedBy(path, await holderOf(path)))
  return { folder, release: () => rm(path, { force: true }) }
}

/** Creates the file; false where it is there. */
const create = (path: string, content: string): Promise<boolean> =>
  writeFile(path, content, { flag: 'wx' }).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') return false
      throw new WeightsError('E_WEIGHTS_IO', `${path}: ${cause.message}`, { cause })
    }
  )

/** Removes the lock of a process that has ended; false where its process runs, or may run on another machine. */
async function removeStale(path: string): Promise<boolean> {
  const holder = await holderOf(path)
  if (!holder || (await mayRun(holder))) return false
  // Only the process that creates this file may remove that lock, and looks again before: another may have done so.
  const claim = `${path}.${holder.pid}-${holder.start}.stale`
  if (!(await create(claim, ''))) return false
  try {
    const found = await holderOf(path)
    if (found?.pid !== holder.pid || found.start !== holder.start) return false
    await rm(path, { force: true })
    return true
  } finally {
    await rm(claim, { force: true })
  }
}

async function mayRun({ pid, host, start }: Holder): Promise<boolean> {
  if (host !== hostname()) return true
  return isRunning(pid) && (await startOf(pid)) === start
}

/** The holder that a lock names; undefined where the file is missing or not a lock. */
async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const { pid, host, start } = JSON.parse(await readFile(path, 'utf8')) as Holder
    return Number.isInteger(pid) && typeof host === 'string' && typeof start === 'string'
      ? { pid, host, start }
      : undefined
  } catch {
    return undefined
  }
}

/** Field 22 of `/proc/PID/stat`; empty where the system has no such file. */
const startOf = async (pid: number): Promise<string> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    text => text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '',
    () => ''
  )

const lockedBy = (path: string, holder: Holder | undefined): string =>
  holder
    ? `one training at a time may use a folder, and process ${holder.pid} on ${holder.host} uses this one (${path}); wait for it, stop it, or use another folder` +
      (holder.host === hostname() ? '' : `; if it has ended, delete ${path}`)
    : `one training at a time may use a folder, and ${path} names no process; if no training runs there, delete it`
