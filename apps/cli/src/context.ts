import type { Progress } from './progress.js'
import type { Terminal } from './terminal.js'

/** What a command is given besides its arguments. */
export interface Context {
  readonly terminal: Terminal
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  progress(options: { quiet?: boolean | undefined }): Progress
  /** Some of the work failed though the command itself went through: it ends with 1. */
  partlyFailed(): void
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
}
