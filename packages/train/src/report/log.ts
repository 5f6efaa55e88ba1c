import { appendFile, readFile } from 'node:fs/promises'
import { WeightsError } from '@sam/core/graph'
import { writeFileAtomic } from '@sam/core/model'

/** One iteration: its report, the seconds since the run was started or resumed, and the scores of an evaluation. */
export type LogEntry = Readonly<Record<string, number>>

/** The entries of a log; a line that a crash truncated is skipped. */
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
 * Opens a log, keeps some of its entries and appends to them. Throws `WeightsError` `E_WEIGHTS_IO` where it cannot be
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
