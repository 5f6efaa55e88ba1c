import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Whether a process of this machine runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Folders that were searched by this process, each with its pattern. */
const searched = new Set<string>()

/**
 * Removes what killed processes left in a folder, once per process: the entries whose names match `pattern`, where the
 * first group is the id of a process that does not run any more. An entry that cannot be removed stays.
 */
export async function removeLeftovers(folder: string, pattern: RegExp): Promise<void> {
  const key = `${folder}\n${pattern.source}`
  if (searched.has(key)) return
  searched.add(key)
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const [, pid] = pattern.exec(name) ?? []
    if (pid !== undefined && !isRunning(Number(pid)))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => {})
  }
}
