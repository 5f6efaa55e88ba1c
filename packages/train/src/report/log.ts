import { appendFile, readFile } from 'node:fs/promises'
import { writeFileAtomic } from '@sam/core'
import { WeightsError } from '@sam/core/graph'

/** One iteration: its report, the seconds since the run was begun or resumed, and what an evaluation added. */
export type LogEntry = Readonly<Record<string, number>>

/** The lines of a log; a line that a crash cut short is passed over. */
export async function readLog(path: string): Promise<LogEntry[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.split('\n').flatMap(line => {
    try {
      return line ? [JSON.parse(line) as LogEntry] : []
    } catch {
      return []
    }
  })
}

/**
 * A log that goes on after the entries that are kept of it. Throws `WeightsError` `E_WEIGHTS_IO` where it cannot be
 * written.
 */
export async function openLog(
  path: string,
  keep: (entry: LogEntry) => boolean
): Promise<{ readonly entries: readonly LogEntry[]; append(entry: LogEntry): Promise<void> }> {
  const entries = (await readLog(path)).filter(keep)
  const line = (entry: LogEntry): string => JSON.stringify(entry) + '\n'
  await writeFileAtomic(path, [new TextEncoder().encode(entries.map(line).join(''))])
  return {
    entries,
    async append(entry) {
      entries.push(entry)
      await appendFile(path, line(entry)).catch((cause: NodeJS.ErrnoException) => {
        throw new WeightsError(
          'E_WEIGHTS_IO',
          `${path}: ${cause.code === 'ENOSPC' ? 'the disk is full' : cause.message}`,
          { cause }
        )
      })
    }
  }
}
