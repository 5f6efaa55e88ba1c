import type { Progress } from './progress.js'
import type { Terminal } from './terminal.js'

/** The environment of a command. */
export interface Context {
  readonly terminal: Terminal
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  progress(options: { quiet?: boolean | undefined }): Progress
  /** Sets exit code 1 for a command that completed with some failures. */
  partlyFailed(): void
}

/** Handles signals that arrived while a file was parsed, and throws the reason where Ctrl-C was one of them. */
export async function handleSignals(signal: AbortSignal): Promise<void> {
  await new Promise(setImmediate)
  signal.throwIfAborted()
}

/** Options of every command. */
export interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
}
